// The live raster: how a network fires, by population bucket over the last minute, with the events a second below it
// and the anomalies above. It draws on a canvas that it is given, in the colours that the page's style names.
//
// One module for the service's page and for notebooks; it knows neither.

export const BIN_MS = 200; // two messages of the service
export const BINS = 300;
const SECOND = 1000 / BIN_MS; // bins

const LEFT = 44, RIGHT = 12, ABOVE = 26, GAP = 22, BELOW = 24, STRIP = 64;
const FORGETS = 0.99; // of the scale's top, a bin
const LEAST = 0.01; // of the scale's top

/** A colour of the style, as [red, green, blue]. */
function colour(style, name) {
  const text = style.getPropertyValue(name).trim();
  const hex = text.length === 4 ? text.replace(/[^#]/g, "$&$&") : text;
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

function mixed(from, to, share) {
  return from.map((part, at) => part + (to[at] - part) * share);
}

/** A round number not below `value`, for the top of an axis. */
export function roundUp(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value - 1e-12);
}

/** What was told in the last minute, by bin: rates by bucket, events, anomalies. */
export class Minute {
  constructor() {
    this.buckets = 0;
    this.newest = -1;
    this.events = new Float64Array(BINS);
    this.rates = new Float32Array(0);
    this.top = LEAST;
    this.anomalies = [];
  }

  /** Events and their mean rates, at a time in ms. */
  push(now, rates, events) {
    if (rates.length !== this.buckets) {
      this.buckets = rates.length;
      this.rates = new Float32Array(BINS * this.buckets);
      this.events.fill(0);
    }
    const slot = this.reach(now);
    const before = this.events[slot];
    for (let bucket = 0; bucket < this.buckets; bucket += 1) {
      const at = slot * this.buckets + bucket;
      this.rates[at] = (this.rates[at] * before + rates[bucket] * events) / (before + events);
      this.top = Math.max(this.top, this.rates[at]);
    }
    this.events[slot] = before + events;
  }

  /** An anomaly at a time in ms, severity in 0..1. */
  mark(now, severity) {
    this.anomalies.push({ now, severity });
  }

  /** Go on to a time: bins that nobody told of are empty. Returns the slot of the bin. */
  reach(now) {
    const bin = Math.floor(now / BIN_MS);
    const steps = this.newest < 0 ? BINS : Math.min(Math.max(bin - this.newest, 0), BINS);
    for (let step = 0; step < steps; step += 1) {
      const slot = (bin - step) % BINS;
      this.events[slot] = 0;
      this.rates.fill(0, slot * this.buckets, (slot + 1) * this.buckets);
      this.top = Math.max(this.top * FORGETS, LEAST);
    }
    this.newest = Math.max(bin, this.newest);
    const oldest = (this.newest - BINS) * BIN_MS;
    if (this.anomalies.length && this.anomalies[0].now < oldest) {
      this.anomalies = this.anomalies.filter((one) => one.now >= oldest);
    }
    return bin % BINS;
  }

  /** Events a second, over the second that ended at a bin. */
  pace(bin) {
    let sum = 0;
    for (let back = 0; back < SECOND; back += 1) {
      const at = bin - back;
      if (at > this.newest - BINS && at >= 0) sum += this.events[at % BINS];
    }
    return sum;
  }

  /** Mean rate of all buckets over the last second in which there were events; 0 where there were none. */
  firing() {
    let sum = 0, events = 0;
    for (let back = 0; back < SECOND && this.newest - back >= 0; back += 1) {
      const slot = (this.newest - back) % BINS;
      for (let bucket = 0; bucket < this.buckets; bucket += 1) {
        sum += this.rates[slot * this.buckets + bucket] * this.events[slot];
      }
      events += this.events[slot];
    }
    return events ? sum / events / this.buckets : 0;
  }
}

/** Draws a Minute. `canvas` takes its size from the style; call `draw(now)` as often as the picture shall move. */
export class Raster {
  constructor(canvas, minute = new Minute()) {
    this.canvas = canvas;
    this.minute = minute;
    this.field = document.createElement("canvas");
    this.restyle();
  }

  /** Look the colours up again, when the page turns dark or light. */
  restyle() {
    const style = getComputedStyle(this.canvas);
    const [none, half, full] = ["--raster-0", "--raster-1", "--raster-2"].map((name) => colour(style, name));
    this.shades = Array.from({ length: 256 }, (_, at) => {
      const share = at / 255;
      return share < 0.5 ? mixed(none, half, share * 2) : mixed(half, full, share * 2 - 1);
    });
    this.ink = Object.fromEntries(
      ["muted", "line", "accent", "low", "medium", "high", "critical"].map((name) => [
        name, style.getPropertyValue(`--${name}`).trim(),
      ]),
    );
    this.font = `11px ${style.fontFamily}`;
  }

  draw(now) {
    const { canvas } = this;
    const [width, height, ratio] = [canvas.clientWidth, canvas.clientHeight, window.devicePixelRatio || 1];
    if (!width || !height) return;
    const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
    const pen = canvas.getContext("2d");
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    this.minute.reach(now);
    this.box = { x: LEFT, y: ABOVE, w: width - LEFT - RIGHT, h: height - ABOVE - GAP - STRIP - BELOW };
    this.now = now;
    this.drawField(pen);
    this.drawAxis(pen, height);
    this.drawPace(pen, height);
    this.drawAnomalies(pen);
  }

  /** x of a time in ms. */
  x(time) {
    return this.box.x + this.box.w * (1 - (this.now - time) / (BINS * BIN_MS));
  }

  /** What stands at a point of the canvas: bucket, rate and age in s; null beside the field. */
  at(px, py) {
    const { minute, box } = this;
    if (!box || !minute.buckets) return null;
    const [across, down] = [(px - box.x) / box.w, (py - box.y) / box.h];
    if (across < 0 || across >= 1 || down < 0 || down >= 1) return null;
    const bucket = Math.floor(down * minute.buckets);
    const bin = Math.floor((this.now - (1 - across) * BINS * BIN_MS) / BIN_MS);
    const age = (1 - across) * (BINS * BIN_MS) / 1000;
    const slot = bin % BINS;
    const known = bin >= 0 && bin <= minute.newest && bin > minute.newest - BINS && minute.events[slot];
    if (!known) return { bucket, age, rate: null, events: 0 };
    return { bucket, age, rate: minute.rates[slot * minute.buckets + bucket], events: minute.events[slot] };
  }

  drawField(pen) {
    const { minute, box, field } = this;
    pen.strokeStyle = this.ink.line;
    pen.strokeRect(box.x - 0.5, box.y - 0.5, box.w + 1, box.h + 1);
    if (!minute.buckets) return;
    [field.width, field.height] = [BINS, minute.buckets];
    const inner = field.getContext("2d");
    const image = inner.createImageData(BINS, minute.buckets);
    for (let column = 0; column < BINS; column += 1) {
      const bin = minute.newest - BINS + 1 + column;
      if (bin < 0 || !minute.events[bin % BINS]) continue;
      for (let bucket = 0; bucket < minute.buckets; bucket += 1) {
        const share = (minute.rates[(bin % BINS) * minute.buckets + bucket] / minute.top) ** 0.8;
        image.data.set([...this.shades[Math.round(255 * Math.min(share, 1))], 255], 4 * (bucket * BINS + column));
      }
    }
    inner.putImageData(image, 0, 0);
    pen.save();
    pen.beginPath();
    pen.rect(box.x, box.y, box.w, box.h);
    pen.clip();
    pen.imageSmoothingEnabled = false;
    const end = this.x((minute.newest + 1) * BIN_MS);
    pen.drawImage(field, end - box.w, box.y, box.w, box.h);
    pen.restore();
  }

  drawAxis(pen, height) {
    const { box, minute } = this;
    pen.font = this.font;
    pen.fillStyle = this.ink.muted;
    pen.textAlign = "center";
    for (let age = 0; age <= 60; age += box.w < 420 ? 20 : 10) {
      const x = box.x + box.w * (1 - age / 60);
      pen.textAlign = age === 0 ? "right" : age === 60 ? "left" : "center";
      pen.fillText(age ? `−${age} s` : "now", x, height - 6);
    }
    pen.textAlign = "right";
    const every = Math.max(1, Math.ceil(minute.buckets / (box.h / 16)));
    for (let bucket = 0; bucket < minute.buckets; bucket += every) {
      pen.fillText(String(bucket), box.x - 6, box.y + (box.h * (bucket + 0.5)) / minute.buckets + 4);
    }
  }

  drawPace(pen, height) {
    const { box, minute } = this;
    const [bottom, top] = [height - BELOW, height - BELOW - STRIP];
    const paces = Array.from({ length: BINS }, (_, at) => minute.pace(minute.newest - BINS + 1 + at));
    const most = roundUp(Math.max(...paces, 1));
    pen.strokeStyle = this.ink.line;
    pen.beginPath();
    for (const y of [top, bottom]) { pen.moveTo(box.x, y + 0.5); pen.lineTo(box.x + box.w, y + 0.5); }
    pen.stroke();
    pen.fillStyle = this.ink.muted;
    pen.textAlign = "right";
    pen.fillText(new Intl.NumberFormat("en", { notation: "compact" }).format(most), box.x - 6, top + 8);
    pen.fillText("0", box.x - 6, bottom);
    pen.textAlign = "left";
    pen.fillText("events/s", box.x, top - 6);
    pen.beginPath();
    paces.forEach((pace, at) => {
      const x = Math.max(this.x((minute.newest - BINS + 1 + at) * BIN_MS), box.x);
      const y = bottom - (STRIP * pace) / most;
      if (at === 0) pen.moveTo(x, y); else pen.lineTo(x, y);
    });
    pen.strokeStyle = this.ink.accent;
    pen.lineWidth = 1.5;
    pen.stroke();
    pen.lineTo(box.x + box.w, bottom);
    pen.lineTo(box.x, bottom);
    pen.globalAlpha = 0.14;
    pen.fillStyle = this.ink.accent;
    pen.fill();
    pen.globalAlpha = 1;
    pen.lineWidth = 1;
  }

  drawAnomalies(pen) {
    const { box } = this;
    for (const { now, severity } of this.minute.anomalies) {
      const x = this.x(now);
      if (x < box.x || x > box.x + box.w) continue;
      pen.fillStyle = pen.strokeStyle = this.ink[grade(severity)];
      pen.beginPath();
      pen.moveTo(x, box.y - 3);
      pen.lineTo(x - 5, box.y - 12);
      pen.lineTo(x + 5, box.y - 12);
      pen.fill();
      pen.globalAlpha = 0.55;
      pen.setLineDash([2, 3]);
      pen.beginPath();
      pen.moveTo(x, box.y);
      pen.lineTo(x, box.y + box.h);
      pen.stroke();
      pen.setLineDash([]);
      pen.globalAlpha = 1;
    }
  }
}

/** The word for a severity in 0..1. */
export function grade(severity) {
  return severity >= 0.9 ? "critical" : severity >= 0.7 ? "high" : severity >= 0.4 ? "medium" : "low";
}
