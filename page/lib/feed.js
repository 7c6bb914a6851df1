/**
 * What becomes of jobs, as it happens. Browsers allow few connections to one place, so one of all tabs that are seen
 * holds the stream, and tells the others. Each message names the id before it: whoever has not come so far asks for
 * what is missing, and nobody is told twice. Decision 49 has the alternatives.
 *
 * @typedef {Object} FeedEvent
 * @property {string} id Its place among the events of all jobs.
 * @property {string} job
 * @property {string} event Its id among the events of its job.
 * @property {string} type As in `GET /jobs/{id}/events`; `deleted` once the job is gone.
 * @property {Record<string, any>} data
 *
 * @typedef {{ listener: (event: FeedEvent) => void, gap: () => void, at: string | null }} Follower
 * @typedef {{ before: string, id: string, type: string, text: string }} Message
 */
import { at, get } from "./api.js";
import { isAfter } from "./jobs.js";

const TYPES = ("queued running judging started progress epoch warning requested paused publishing succeeded failed " +
  "cancelled deleted gap position").split(" "); // the last two are about the stream itself
const SILENCE_MS = 45_000; // three times as long as the server is ever silent
const LONGEST_MS = 10_000; // between two attempts
const NAME = `digitforge ${at("/")}`;

/** @type {Set<Follower>} */
const followers = new Set();
const tabs = new BroadcastChannel(NAME);
/** @type {AbortController | null} Of this tab's place in the queue for the stream; null while it wants none. */
let turn = null;
/** @type {EventSource | null} */
let source = null;
/** @type {string | null} The newest id of the stream that this tab holds. */
let position = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let failures = 0;

/**
 * Listen from now on, or from after an id, such as the `event` of `GET /jobs`. `gap` is called where events may have
 * been missed: read again what is shown.
 *
 * @param {(event: FeedEvent) => void} listener
 * @param {{ after?: string | null, gap?: () => void, signal: AbortSignal }} options
 */
export function follow(listener, { after = null, gap = () => {}, signal }) {
  if (signal.aborted) return;
  const follower = { listener, gap, at: after };
  followers.add(follower);
  signal.addEventListener("abort", () => {
    followers.delete(follower);
    if (!followers.size) leave();
  });
  enter();
}

document.addEventListener("visibilitychange", () => document.hidden ? leave() : enter());

tabs.onmessage = (/** @type {MessageEvent<any>} */ { data }) => {
  if ("want" in data) serve(data.want);
  else if (!source && turn) data.away ? say(true) : take(data);
};

function enter() {
  if (!followers.size || document.hidden) return;
  if (!turn) queue();
  ask();
}

function leave() {
  turn?.abort();
  turn = null;
  source?.close();
  source = null;
  clearTimeout(timer);
  dispatchEvent(new CustomEvent("feed", { detail: { away: false } }));
}

/** @param {boolean} [steal] From a tab that has gone silent. */
function queue(steal = false) {
  const mine = turn = new AbortController();
  const hold = () =>
    new Promise((done) => {
      if (mine.signal.aborted) return done(null);
      mine.signal.addEventListener("abort", done);
      open(lowest());
    });
  if (!navigator.locks) hold(); // without https each tab has a stream of its own
  else {
    navigator.locks.request(NAME, steal ? { steal } : { signal: mine.signal }, hold).catch(() => {
      if (turn !== mine) return;
      leave();
      enter();
    });
    watch();
  }
}

/** @param {string | null} after */
function open(after) {
  source?.close();
  position = after;
  source = new EventSource(at("/events", { after }));
  for (const type of TYPES) source.addEventListener(type, receive);
  source.onerror = retry;
  watch();
}

/** @param {MessageEvent<string>} message */
function receive({ lastEventId: id, type, data: text }) {
  const message = { before: position ?? id, id, type, text };
  failures = 0;
  position = id;
  tabs.postMessage(message);
  take(message);
}

function retry() {
  if (source?.readyState === EventSource.CLOSED) get("/jobs", { limit: 1 }).catch(() => {}); // asks for a key by a 401
  source?.close();
  tabs.postMessage({ away: true });
  say(true);
  clearTimeout(timer);
  timer = setTimeout(() => open(lowest()), Math.min(LONGEST_MS, 500 * 2 ** failures++) * (0.5 + Math.random() / 2));
}

/** @param {Message} message */
function take({ before, id, type, text }) {
  say(false);
  let isBehind = false;
  for (const follower of [...followers]) {
    follower.at ??= before;
    if (isAfter(before, follower.at)) isBehind = true;
    else if (isAfter(id, follower.at)) {
      follower.at = id;
      try {
        if (type === "gap") follower.gap();
        else if (type !== "position") follower.listener({ id, type, ...JSON.parse(text) });
      } catch (error) {
        reportError(error);
      }
    }
  }
  if (isBehind) ask();
}

/** @returns {string | null} From where on some follower lacks events. */
function lowest() {
  const ids = [...followers].flatMap(({ at }) => at ?? []);
  return ids.length ? ids.reduce((least, id) => isAfter(least, id) ? id : least) : null;
}

function ask() {
  const want = lowest();
  if (source) serve(want);
  else tabs.postMessage({ want });
}

/** @param {string | null} want */
function serve(want) {
  if (source && want !== null && (position === null || isAfter(position, want))) open(want);
}

/** @param {boolean} away */
function say(away) {
  dispatchEvent(new CustomEvent("feed", { detail: { away } }));
  watch();
}

function watch() {
  clearTimeout(timer);
  timer = setTimeout(() => {
    if (source) return retry();
    leave();
    queue(true);
  }, SILENCE_MS);
}
