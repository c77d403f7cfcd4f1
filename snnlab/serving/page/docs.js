// The reference of the routes, out of the service's own OpenAPI description.

import { asked, keep, keyOf } from "/live/service.js";

const $ = (id) => document.getElementById(id);
let spec = null;

function make(kind, text = "", ...children) {
  const element = document.createElement(kind);
  element.textContent = text;
  element.append(...children);
  return element;
}

/** A paragraph, in which `code` is code. */
function paragraph(text) {
  return make("p", "", ...text.split("`").map((part, at) => (at % 2 ? make("code", part) : part)));
}

const named = (reference) => reference.split("/").at(-1);

/** A schema in words: its name, or its type. */
function type(schema) {
  if (!schema) return "anything";
  if (schema.$ref) return named(schema.$ref);
  if (schema.anyOf) return schema.anyOf.map(type).filter((word) => word !== "null").join(" or ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(", ");
  if (schema.type === "array") return `list of ${type(schema.items)}`;
  return schema.type ?? "anything";
}

function table(head, rows) {
  const body = rows.map((cells) => make("tr", "", ...cells.map((cell, at) => make(at ? "td" : "th", cell))));
  const top = make("thead", "", make("tr", "", ...head.map((word) => make("th", word))));
  return make("table", "", top, make("tbody", "", ...body));
}

function fields(schema) {
  const needed = new Set(schema.required ?? []);
  return table(["Field", "Type", "Meaning"], Object.entries(schema.properties ?? {}).map(([name, one]) => [
    needed.has(name) ? `${name} *` : name, type(one), one.description ?? "",
  ]));
}

function body(content, title) {
  const schema = Object.values(content ?? {})[0]?.schema;
  if (!schema) return [];
  const known = schema.$ref && spec.components.schemas[named(schema.$ref)];
  const parts = [make("h4", `${title}: ${type(schema)}`)];
  return known?.properties ? [...parts, fields(known)] : parts;
}

function operation(method, path, one) {
  const summary = make("summary", "", make("b", method.toUpperCase()), make("code", path), make("span", one.summary ?? ""));
  summary.firstElementChild.className = method;
  const parts = [paragraph(one.description ?? "")];
  if (one.parameters) {
    parts.push(make("h4", "Parameters"), table(["Name", "Type", "Meaning"], one.parameters.map((part) => [
      part.required ? `${part.name} *` : part.name, type(part.schema), part.description ?? part.schema?.description ?? "",
    ])));
  }
  parts.push(...body(one.requestBody?.content, "Body"));
  const answers = Object.entries(one.responses ?? {});
  const good = answers.find(([status]) => status.startsWith("2"));
  if (good) parts.push(...body(good[1].content, `Answer ${good[0]}`));
  parts.push(make("h4", "Statuses"), table(["Status", "When"], answers.map(([status, told]) => [status, told.description])));
  return make("details", "", summary, ...parts);
}

function show() {
  const tags = new Map();
  for (const [path, item] of Object.entries(spec.paths)) {
    for (const [method, one] of Object.entries(item)) {
      const tag = one.tags?.[0] ?? "other";
      tags.set(tag, [...(tags.get(tag) ?? []), operation(method, path, one)]);
    }
  }
  const about = make("section", "", make("h2", `${spec.info.title} ${spec.info.version}`));
  about.append(...spec.info.description.trim().split("\n\n").map(paragraph));
  const groups = [...tags].map(([tag, found]) => make("section", "", make("h2", tag), ...found));
  $("main").replaceChildren(about, ...groups);
  for (const section of $("main").children) section.className = "panel";
  $("main").hidden = false;
  $("state").textContent = `OpenAPI ${spec.openapi}`;
  $("state").dataset.state = "live";
}

async function begin() {
  try {
    spec = await asked("/openapi.json");
    $("key").hidden = true;
    show();
  } catch (error) {
    $("state").textContent = error.status === 401 ? "a key is needed" : "no answer";
    $("state").dataset.state = "refused";
    $("key").hidden = error.status !== 401;
    $("refused").textContent = keyOf() === null ? "" : error.message;
  }
}

$("key").addEventListener("submit", (event) => {
  event.preventDefault();
  keep($("secret").value);
  begin();
});
begin();
