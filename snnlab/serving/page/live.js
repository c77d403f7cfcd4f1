// The live page: what a model's network does and what it finds, over the service's two WebSockets.

import { Minute, Raster, grade } from "/live/raster.js";
import { Line, asked, keyOf, keep } from "/live/service.js";

const $ = (id) => document.getElementById(id);
const MOST = 100; // anomalies listed
const POSTED_MS = 2_000; // between looks at anomalies of posted events, which no socket tells
const MODELS_MS = 10_000; // between looks at which models and streams there are
const minute = new Minute();
const raster = new Raster($("raster"), minute);
const seen = new Set();
const still = matchMedia("(prefers-reduced-motion: reduce)");
const number = new Intl.NumberFormat("en", { maximumSignificantDigits: 3, notation: "compact" });
let models = [];
let lines = [];
let looking = 0;
let asking = 0;
let paused = false;
let lastEvent = null;

function state(word, text) {
  $("state").dataset.state = word;
  $("state").textContent = text;
}

/** Ask for the models; ask for the key where the service does. */
async function begin() {
  state("idle", "connecting…");
  try {
    models = (await asked("/api/v1/models")).models;
  } catch (error) {
    if (error.status === 401) return askForKey(error);
    state("waiting", "no answer, trying again");
    return setTimeout(begin, 2000);
  }
  $("key").hidden = true;
  $("main").hidden = false;
  askAgain();
  if (!models.length) return state("idle", "no models yet");
  choose($("model"), models.map((model) => [model.model_id, model.model_id]));
  modelChosen();
}

/** Models and streams may come and go; what is chosen stays chosen while it is there. */
async function again() {
  askAgain();
  try {
    models = (await asked("/api/v1/models")).models;
  } catch (error) {
    if (error.status === 401) askForKey(error); // it was changed
    return; // else the sockets tell that the service is away
  }
  const [model, stream] = [$("model").value, $("stream").value];
  if (!models.length) return;
  choose($("model"), models.map((one) => [one.model_id, one.model_id]));
  choose($("stream"), streamsOf($("model").value));
  if ($("model").value !== model || $("stream").value !== stream || !lines.length) streamChosen();
}

function askAgain() {
  clearTimeout(asking);
  asking = setTimeout(again, MODELS_MS);
}

function askForKey(error) {
  clearTimeout(asking);
  clearInterval(looking);
  lines.forEach((line) => line.close());
  lines = [];
  $("main").hidden = true;
  $("key").hidden = false;
  $("refused").textContent = keyOf() === null ? "" : error.message;
  state("refused", "a key is needed");
  $("secret").focus();
}

function choose(select, options) {
  const before = select.options.length ? select.value : null;
  select.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
  if (options.some(([value]) => value === before)) select.value = before;
  select.disabled = options.length < 2;
}

function streamsOf(id) {
  const { deployments } = models.find((one) => one.model_id === id);
  return [...deployments.map((one) => [one.stream, one.stream]), ["", "posted events"]];
}

function modelChosen() {
  choose($("stream"), streamsOf($("model").value));
  streamChosen();
}

/** Close what is open, and open the sockets of what is chosen. */
function streamChosen() {
  const [model, stream] = [$("model").value, $("stream").value];
  lines.forEach((line) => line.close());
  clearInterval(looking);
  Object.assign(minute, new Minute());
  seen.clear();
  $("anomalies").replaceChildren();
  lines = [new Line(`/ws/spikes/${encodeURIComponent(model)}`, (firing) => fired(firing, stream), told)];
  if (stream) {
    lines.push(new Line(`/ws/anomalies/${encodeURIComponent(stream)}`, (one) => one.model === model && found(one, true), (line) => {
      told();
      if (line.open) before(model, stream);
    }, true));
  } else {
    before(model, stream);
    looking = setInterval(before, POSTED_MS, model, stream, true);
  }
}

/** The anomalies that were told before the socket was open; of posted events, which have none, those since. */
async function before(model, stream, fresh = false) {
  const query = new URLSearchParams({ model, stream, limit: 20 });
  try {
    const { anomalies } = await asked(`/api/v1/anomalies?${query}`);
    if ($("model").value !== model || $("stream").value !== stream) return;
    anomalies.reverse().forEach((one) => found(one, fresh));
  } catch (error) {
    if (error.status === 401) askForKey(error);
  }
}

/** What a socket says of itself. */
function told() {
  const open = lines.filter((line) => line.open).length;
  const why = lines.map((line) => line.why).find(Boolean);
  if (open === lines.length) state("live", "live");
  else state(why ? "refused" : "waiting", why || "connection lost, trying again");
}

function fired(firing, stream) {
  if (firing.stream !== stream) return;
  lastEvent = firing;
  if (!paused) minute.push(performance.now(), firing.rates, firing.events);
}

function found(one, fresh) {
  if (seen.has(one.anomaly_id)) return;
  seen.add(one.anomaly_id);
  if (fresh && !paused) minute.mark(performance.now(), one.severity);
  const list = $("anomalies");
  const older = [...list.children].find((other) => Number(other.dataset.at) <= one.detected_at);
  list.insertBefore(card(one), older ?? null);
  while (list.children.length > MOST) list.lastElementChild.remove();
  if (fresh) $("newest").textContent = `${grade(one.severity)}: ${words(one.anomaly_type)}. ${one.explanation}`;
}

function card(one) {
  const item = $("anomaly").content.firstElementChild.cloneNode(true);
  const part = (selector) => item.querySelector(selector);
  const word = grade(one.severity);
  item.dataset.at = one.detected_at;
  part(".grade").textContent = `${word} ${one.severity.toFixed(2)}`;
  part(".grade").classList.add(word);
  part("h3").textContent = words(one.anomaly_type);
  const when = stamp(one.detected_at);
  part("time").dateTime = when;
  part("time").textContent = when.slice(11, 19) || one.detected_at;
  part("time").title = when;
  part(".why").textContent = one.explanation || `unusual events of ${one.entity || "this stream"}`;
  part("ul").replaceChildren(...one.recommended_actions.map((action) => textual("li", action)));
  const facts = { time: when.replace("T", " ").slice(0, 23), entity: one.entity, event: one.contributing_events.join(", "), id: one.anomaly_id };
  part("dl").replaceChildren(
    ...Object.entries(facts).filter(([, value]) => value)
      .flatMap(([name, value]) => [textual("dt", name), textual("dd", value)]),
  );
  return item;
}

/** A time in µs as ISO 8601; empty where producers wrote one that no calendar has. */
function stamp(us) {
  const when = new Date(us / 1000);
  return Number.isFinite(when.getTime()) ? when.toISOString() : "";
}

function textual(kind, text) {
  const element = document.createElement(kind);
  element.textContent = text;
  return element;
}

const words = (name) => name.replaceAll("_", " ");
const percent = (share) => `${(100 * share).toFixed(1)} %`;

function drawn() {
  if (!paused) raster.draw(performance.now());
  if (still.matches) setTimeout(drawn, 1000);
  else requestAnimationFrame(drawn);
}

/** Figures, twice a second: digits that flicker cannot be read. */
function counted() {
  $("count").textContent = number.format(minute.anomalies.length);
  $("none").hidden = seen.size > 0;
  if (paused) return;
  minute.reach(performance.now());
  const pace = minute.pace(minute.newest);
  const firing = minute.firing();
  $("pace").textContent = number.format(pace);
  $("firing").textContent = percent(firing);
  $("top").textContent = percent(minute.top);
  if (lastEvent) $("last").textContent = stamp(lastEvent.timestamp).slice(11, 19) || lastEvent.timestamp;
  $("raster").setAttribute(
    "aria-label",
    `Firing of ${minute.buckets} populations over the last minute: ${percent(firing)} now, at ${Math.round(pace)} `
      + `events a second, ${minute.anomalies.length} anomalies`,
  );
}

$("key").addEventListener("submit", (event) => {
  event.preventDefault();
  keep($("secret").value);
  $("secret").value = "";
  begin();
});
$("model").addEventListener("change", modelChosen);
$("stream").addEventListener("change", streamChosen);
$("pause").addEventListener("click", () => {
  paused = !paused;
  $("pause").setAttribute("aria-pressed", String(paused));
  $("pause").textContent = paused ? "Go on" : "Pause";
});
$("raster").addEventListener("pointermove", (event) => {
  const cell = raster.at(event.offsetX, event.offsetY);
  if (!cell) return;
  const told = cell.rate === null ? "no events" : `${percent(cell.rate)} of its neurons, ${cell.events} events`;
  $("reading").textContent = `Bucket ${cell.bucket}, ${cell.age.toFixed(1)} s ago: ${told}`;
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => raster.restyle());
setInterval(counted, 500);
requestAnimationFrame(drawn);
begin();
