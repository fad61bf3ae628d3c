// The board of a class: who is stuck and on which layer, and how far each seat is.

import { Connection } from "./connection.js";
import { button, clock, counted, element } from "./dom.js";
import { Look } from "./look.js";
import { noticePlace, showReply } from "./notices.js";

const MARKS = { done: "✓", marked: "✎", skipped: "–", now: "●", later: "" };
const WORDS = { done: "done", marked: "marked as done", skipped: "skipped", now: "now", later: "later" };
const place = (id) => document.getElementById(id);
const token = document.querySelector('meta[name="page-token"]').content;
const scheme = location.protocol === "https:" ? "wss" : "ws";
const url = `${scheme}://${location.host}/board/socket?token=${encodeURIComponent(token)}`;

// Each group has its form for as long as it is there: what a teacher types is not lost when the board changes.
const forms = new Map();
const allSeats = hintForm("A hint for all seats", { seats: [], layer: "" });
const notice = noticePlace();
const rows = element("tbody");
const heads = element("tr");
place("seats").append(element("table", {}, element("thead", {}, heads), rows));
place("seats").before(notice);
let drawn = "";

function show(board) {
  place("title").textContent = `Class ${board.class}: ${board.title}`;
  document.title = `${board.class} · wirelab`;
  const ready = board.seats.filter(({ state }) => state === "ready").length;
  place("summary").textContent = `${ready} of ${counted(board.seats.length, "seat")} ready`;
  showStuck(board.stuck);
  const held = board.held_from ? board.tasks.indexOf(board.held_from) : board.tasks.length;
  const now = JSON.stringify([board.tasks, board.seats, held]);
  if (now === drawn) return;
  drawn = now;
  const texts = ["Seat", "Lab", ...board.tasks.map((task, at) => taskHead(task, at >= held)), ""];
  heads.replaceChildren(...texts.map((text) => element("th", { scope: "col" }, text)));
  const none = element("tr", {}, element("td", { colspan: texts.length, class: "soft" }, "This class has no seats."));
  rows.replaceChildren(...(board.seats.length ? board.seats.map((seat) => seatRow(seat, held)) : [none]));
}

function showStuck(groups) {
  const keys = groups.map(({ layer, task }) => layer || `task ${task}`);
  for (const key of forms.keys()) if (!keys.includes(key)) forms.delete(key);
  groups.forEach((group, at) => {
    if (!forms.has(keys[at])) forms.set(keys[at], new GroupItem(keys[at]));
    forms.get(keys[at]).show(group);
  });
  const wanted = keys.map((key) => forms.get(key).element);
  const none = element("p", { class: "soft" }, "Nobody.");
  const items = [...(wanted.length ? wanted : [none]), allSeats];
  const shown = [...place("stuck").children];
  const isSame = wanted.length && items.length === shown.length && items.every((item, index) => item === shown[index]);
  if (!isSame) place("stuck").replaceChildren(...items);
}

/** Seats that are stuck on the same layer, with one hint for all of them. */
class GroupItem {
  #target = { seats: [], layer: "" };
  #heading = element("h3");
  #sentence = element("p");

  constructor(key) {
    const form = hintForm(`A hint for all who are stuck on: ${key}`, this.#target);
    this.element = element("div", { class: "group" }, this.#heading, this.#sentence, form);
  }

  show({ layer, task, seats, sentence, since }) {
    this.#target.seats = seats;
    this.#heading.textContent = `${layer || `Task ${task}`}: ${seats.join(", ")}, since ${clock(since)}`;
    this.#sentence.textContent = sentence;
  }
}

function hintForm(label, target) {
  const field = element("input", { name: "text", required: true, maxlength: 500, "aria-label": label, placeholder: label, autocomplete: "off" });
  const told = noticePlace();
  const form = element("form", {}, field, element("button", { type: "submit" }, "Send the hint"), told);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const reply = await connection.request("hint", { text: field.value, ...target });
    showReply(told, reply);
    if (reply.ok) field.value = "";
  });
  return form;
}

/** A task with what a teacher can do: hold it and all later ones, or open it and all before it. */
function taskHead(task, isHeld) {
  const [word, what, label] = isHeld ? ["Open", "open", `Open ${task} and the tasks before it`] : ["Hold", "hold", `Hold ${task} and the tasks after it`];
  const key = button(word, async () => showReply(notice, await connection.request(what, { task })), { class: "quiet", "aria-label": label, title: label });
  return element("span", { class: "task-head" }, element("span", {}, task), isHeld ? element("span", { class: "held" }, "held") : "", key);
}

function seatRow({ seat, state, why, stuck, task, tasks }, held) {
  const cells = tasks.map((cell, at) => {
    const waits = cell.state === "now" && at >= held && !cell.begun;
    return taskCell({ ...cell, waits, stuck: Boolean(stuck) && cell.state === "now" && !waits });
  });
  const keys = [button("Reset the lab", () => ask("reset", { seat }, `Remove the lab of ${seat} and bring it up anew? The progress stays.`), { class: "quiet" })];
  keys.push(button("Terminals", () => look(seat), { class: "quiet", "aria-label": `Look into the terminals of ${seat}` }));
  if (task) keys.push(button("Mark as done", () => ask("mark_done", { seat, task }, `Take the task ${task} of ${seat} as done?`), { class: "quiet" }));
  const lab = element("td", { class: state }, why ? `${state}${why.includes("\n") ? "\n" : ": "}${why}` : state);
  return element("tr", { "data-seat": seat }, element("th", { scope: "row" }, seat), lab, ...cells, element("td", {}, ...keys));
}

function taskCell(cell) {
  const words = cellWords(cell);
  const kind = `${cell.state}${cell.waits ? " waits" : ""}${cell.stuck ? " stuck-task" : ""}`;
  return element("td", { class: kind, title: words }, cellText(cell), element("span", { class: "visually-hidden" }, ` ${words}`));
}

function cellText({ state, attempts, waits, stuck }) {
  if (waits) return "waits";
  const mark = state === "now" && attempts ? `${MARKS.now} ${attempts}` : MARKS[state];
  return stuck ? `${mark} stuck` : mark;
}

function cellWords({ state, attempts, hints, solution, waits }) {
  if (waits) return "until you open the task";
  const help = [attempts && counted(attempts, "attempt"), hints && counted(hints, "hint"), solution && "solution shown"];
  return [WORDS[state], ...help.filter(Boolean)].join(", ");
}

async function ask(what, fields, question) {
  if (window.confirm(question)) showReply(notice, await connection.request(what, fields));
}

async function look(seat) {
  const again = () => connection.request("look", { seat });
  const reply = await again();
  showReply(notice, reply);
  if (reply.ok) new Look(seat, again).open(reply);
}

function showConnection(state, pause) {
  const banner = place("connection");
  banner.hidden = state === "open";
  document.body.classList.toggle("offline", state !== "open");
  if (state === "open") return;
  const seconds = Math.max(1, Math.round(pause / 1000));
  banner.replaceChildren(
    element("span", {}, `Connection lost. What you see is the last known state. Next try in ${seconds} s. `),
    button("Try now", () => connection.retry()),
  );
}

const connection = new Connection(url, {
  onMessage: (message) => message.type === "board" && show(message),
  onState: showConnection,
});
// A page that lacks a file is about to be loaded anew.
if (!document.documentElement.classList.contains("incomplete")) connection.open();
