// How a page of the service asks it: with the key where there is one, and over sockets that open again.

const PLACE = "snnlab.key";
const SLOWEST_MS = 10_000;
const TOLD = new Set([1013, 4403, 4404]); // why a socket is refused: later, not allowed, not there

/** The service's key, or null where none was given; it lasts as long as the tab. */
export function keyOf() {
  return sessionStorage.getItem(PLACE);
}

export function keep(key) {
  sessionStorage.setItem(PLACE, key);
}

/** The key as a header and base64 want it: a character a byte of its UTF-8. */
function bytesOf(key) {
  return String.fromCharCode(...new TextEncoder().encode(key));
}

/** The JSON of an answer. What is refused is thrown, with its status and what the service says of it. */
export async function asked(path) {
  const key = keyOf();
  const answer = await fetch(path, { headers: key === null ? {} : { authorization: `Bearer ${bytesOf(key)}` } });
  const content = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(content.detail ?? answer.statusText), { status: answer.status });
  return content;
}

/** What a socket offers: the protocol, and the key in URL-safe base64 beside it. */
function protocols() {
  const key = keyOf();
  if (key === null) return ["snnlab"];
  const coded = btoa(bytesOf(key)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  return ["snnlab", `snnlab.key.${coded}`];
}

/** A socket that opens again when it breaks. One that resumes says after which position it wants to go on. */
export class Line {
  constructor(path, heard, changed, resumes = false) {
    Object.assign(this, { path, heard, changed, resumes, open: false, why: "", closed: false, pause: 500 });
    this.position = null;
    this.connect();
  }

  connect() {
    const url = new URL(this.path, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    if (this.resumes && this.position !== null) url.searchParams.set("after", this.position);
    this.socket = new WebSocket(url, protocols());
    this.socket.onopen = () => this.become(true, "");
    this.socket.onmessage = ({ data }) => {
      this.pause = 500;
      const message = JSON.parse(data);
      if ("position" in message) this.position = message.position;
      this.heard(message);
    };
    this.socket.onclose = ({ code, reason }) => {
      if (this.closed) return;
      this.become(false, TOLD.has(code) ? reason : "");
      this.timer = setTimeout(() => this.connect(), this.pause * (0.75 + Math.random() / 2));
      this.pause = Math.min(2 * this.pause, SLOWEST_MS);
    };
  }

  become(open, why) {
    Object.assign(this, { open, why });
    if (!this.closed) this.changed(this);
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    this.socket.close();
  }
}
