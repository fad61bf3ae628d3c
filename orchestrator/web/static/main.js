// The live page: each message of the server goes to the views that show it, and each wish of the user to the server.

import { CaptureView } from "./capture.js";
import { ChecksView } from "./checks.js";
import { Connection } from "./connection.js";
import { ConsentView } from "./consent.js";
import { button, counted, element } from "./dom.js";
import { FaultsView } from "./faults.js";
import { JournalView } from "./journal.js";
import { LessonView } from "./lesson.js";
import { Motion } from "./motion.js";
import { NodeCard } from "./node_card.js";
import { PictureView } from "./picture.js";
import { StoryView } from "./story.js";
import { Tabs } from "./tabs.js";
import { TerminalsView } from "./terminals.js";

const PROTOCOLS = ["DNS", "TCP", "TLS", "HTTP", "SQL", "SSH", "UDP", "ICMP"];
const place = (id) => document.getElementById(id);
const token = document.querySelector('meta[name="page-token"]').content;
const scheme = location.protocol === "https:" ? "wss" : "ws";
const url = `${scheme}://${location.host}/socket?token=${encodeURIComponent(token)}`;
const request = (what, fields) => connection.request(what, fields);

const picture = new PictureView(place("picture"), (name) => card.toggle(name));
const motion = new Motion(picture);
const terminals = new TerminalsView(place("terminals"), request, token);
const card = new NodeCard(place("node"), picture, { request, openTerminal: (name) => terminals.open(name) });
const story = new StoryView(place("story-panel"), request);
const checks = new ChecksView(place("checks-panel"), place("checks-count"), request);
const faults = new FaultsView(place("faults-panel"), place("faults-count"), request);
const journal = new JournalView(place("journal-panel"));
const capture = new CaptureView(place("capture"), request);
const lesson = new LessonView(place("lesson"), place("jump-lesson"), request);
const consent = new ConsentView(place("lesson"), request);

let isReady = false;
const protocols = new Set();
const show = {
  hello(message) {
    isReady = false;
    story.clear();
    journal.clear();
    motion.clear();
    place("title").textContent = message.title || message.lab;
    document.title = `${message.lab} · wirelab`;
    for (const view of [story, capture, faults, lesson, consent, terminals, card]) view.hello(message);
  },
  ready() {
    isReady = true;
    document.body.classList.add("ready");
  },
  picture(message) {
    picture.show(message);
    faults.showPicture(message);
    card.update();
  },
  nodes({ nodes }) {
    picture.showStates(nodes);
    card.update();
    place("summary").textContent = summaryOf(nodes);
  },
  exchanges({ exchanges }) {
    for (const exchange of exchanges) {
      story.add(exchange, isReady);
      legend(exchange.protocol);
      if (isReady && !exchange.probe) motion.show(exchange);
    }
  },
  faults: (message) => faults.show(message),
  checks: (message) => checks.show(message),
  journal: (message) => journal.add(message),
  capture: (message) => capture.show(message),
  engine_answers: (message) => terminals.showEngine(message),
  lesson: (message) => lesson.show(message),
  consent: (message) => consent.show(message),
};

/** The colours of the protocols that this lab speaks, in the order of the layers. */
function legend(protocol) {
  if (protocols.has(protocol)) return;
  protocols.add(protocol);
  const known = PROTOCOLS.filter((name) => protocols.has(name));
  place("legend").replaceChildren(...known.map((name) => element("li", { class: name.toLowerCase() }, name)));
}

// While a learner is to find what is broken, no state is shown.
function summaryOf(nodes) {
  const all = counted(nodes.length, "node");
  if (nodes.some(({ state }) => !state)) return `${all}, states not shown`;
  const running = nodes.filter(({ state }) => state === "running").length;
  return running === nodes.length ? `${all} running` : `${running} of ${all} running`;
}

/** Say that the connection is lost, and when the page tries again. */
function showConnection(state, pause, failures) {
  const banner = place("connection");
  banner.hidden = state === "open";
  document.body.classList.toggle("offline", state !== "open");
  if (state === "open") return terminals.reconnect();
  const seconds = Math.max(1, Math.round(pause / 1000));
  const restarted = failures > 3 ? " If wirelab web was started again, open the address that it printed." : "";
  banner.replaceChildren(
    element("span", {}, `Connection lost. What you see is the last known state. Next try in ${seconds} s.${restarted}`),
    button("Try now", () => connection.retry()),
  );
  return undefined;
}

new Tabs(place("side-tabs")).select(place("story-tab"));
const connection = new Connection(url, {
  onMessage: (message) => show[message.type]?.(message),
  onState: showConnection,
});
// A page that lacks a file is about to be loaded anew.
if (!document.documentElement.classList.contains("incomplete")) connection.open();
