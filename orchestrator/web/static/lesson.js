// The lesson at the side: the task, its question, what the learner is told, and the progress.

import { button, counted, element } from "./dom.js";
import { noticePlace, showReply } from "./notices.js";
import { orderForm } from "./order_form.js";

const STATES = { done: "done", open: "now", later: "later", skipped: "skipped" };
// The words are those of the terminal.
const AGAIN = [
  ["The lab as this task began", "restore"],
  ["This task", "reset task"],
  ["The whole lesson", "reset"],
];
const ASKED_FOR = new Set(["hint", "solution"]);
const LABELS = { done: "Done", not_done: "Not yet", solution: "Solution", note: "Note", held: "Wait", over: "The end" };

export class LessonView {
  #place;
  #jump;
  #request;
  #task = element("div", { class: "task" });
  #answer = element("div", { class: "answer" });
  #keys = element("div", { class: "row answer-keys" });
  #again = element("details", { class: "again" }, element("summary", {}, "Begin again"));
  #messages = element("ol", { class: "messages" });
  #log = element("div", { role: "log", "aria-label": "What the lesson says" }, this.#messages);
  #earlier = element("ol", { class: "messages" });
  #past = element("details", { class: "past", hidden: true }, element("summary", {}, "Earlier tasks"), this.#earlier);
  #progress = element("ol", { class: "progress", "aria-label": "Tasks" });
  #summary = element("p", { class: "soft" });
  #notice = noticePlace();
  #shown = 0;
  #drawn = "";

  constructor(place, jump, request) {
    this.#place = place;
    this.#jump = jump;
    this.#request = request;
    this.#keys.append(
      button("Hint", () => this.#say("hint")),
      button("Why not?", () => this.#say("why"), { class: "why-key" }),
      button("Show the solution", () => this.#say("solution"), { class: "quiet" }),
    );
    this.#again.append(element("div", { class: "row" }, ...AGAIN.map(([text, line]) => button(text, () => this.#say(line)))));
    place.append(
      element("div", { class: "pane-head" }, element("h2", {}, "Lesson"), this.#summary),
      this.#progress,
      element("div", { class: "scroll" }, this.#task, this.#answer, this.#keys, this.#notice, this.#log, this.#past, this.#again),
    );
  }

  hello({ can }) {
    this.#place.hidden = !can.lesson;
    this.#jump.hidden = !can.lesson;
    document.body.classList.toggle("has-lesson", Boolean(can.lesson));
  }

  /** Show the task that is open. What the learner has chosen or typed stays, unless it is another task. */
  show({ task, tasks, messages }) {
    const done = tasks.filter(({ state }) => state === "done").length;
    this.#summary.textContent = `${done} of ${counted(tasks.length, "task")} done`;
    this.#progress.replaceChildren(...tasks.map(progressItem));
    this.#showMessages(messages);
    const isDone = task !== null && tasks[task.number - 1]?.state === "done";
    const drawn = JSON.stringify([task, isDone]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    if (isDone) this.#showNextIsComing();
    else this.#showTask(task);
  }

  #showTask(task) {
    const over = task === null;
    this.#keys.hidden = over;
    this.#task.hidden = over;
    this.#answer.replaceChildren();
    if (over) return;
    const text = element("div", { class: "task-text" });
    text.innerHTML = task.html; // made by the server's own renderer, which lets no markup through
    this.#task.replaceChildren(
      element("p", { class: "step" }, `Task ${task.number} of ${task.of}`),
      text,
      element("h3", { class: "question" }, task.question || task.title),
      task.allowed?.length ? allowedList(task.allowed) : "",
    );
    this.#keys.querySelector(".why-key").hidden = !["holds", "repair"].includes(task.kind);
    const form = { ask: answerForm, predict: orderForm }[task.kind];
    if (form) this.#answer.replaceChildren(form(task, (line) => this.#say(line)));
    else this.#answer.replaceChildren(element("p", { class: "soft waiting" }, "The lesson notices by itself when this is done."));
    this.#place.querySelector(".scroll").scrollTop = 0;
  }

  // The lab is made ready for the next task, which takes a moment.
  #showNextIsComing() {
    this.#keys.hidden = true;
    this.#answer.replaceChildren(element("p", { class: "soft waiting" }, "This task is done. The next one follows."));
  }

  #showMessages(messages) {
    if (messages.length < this.#shown) for (const list of [this.#messages, this.#earlier]) list.replaceChildren();
    const known = messages.length < this.#shown ? 0 : this.#shown;
    for (const { kind, task, layer, html } of messages.slice(known)) {
      const label = layer ? `Why (${layer})` : labelOf(kind, task);
      const text = element("div", { class: "said" });
      text.innerHTML = html; // made by the server's own renderer
      const item = element("li", { class: kind }, label && element("span", { class: "label" }, label), text);
      if (ASKED_FOR.has(kind)) this.#sameOfThisTask(item)?.remove();
      this.#messages.append(item);
    }
    this.#shown = messages.length;
    this.#putAway();
    this.#log.hidden = !messages.length;
    if (known < messages.length) this.#messages.lastElementChild?.scrollIntoView({ block: "nearest" });
  }

  // Who asks twice for a hint or the solution reads it once, at the end.
  #sameOfThisTask(item) {
    const items = [...this.#messages.children];
    const ofThisTask = items.slice(items.findLastIndex((one) => one.classList.contains("begun")) + 1);
    return ofThisTask.find((one) => one.isEqualNode(item));
  }

  // Below the task stands what was said of it, and by what the task before it was done.
  #putAway() {
    const items = [...this.#messages.children];
    const begun = items.findLastIndex((item) => item.classList.contains("begun"));
    const first = items[begun - 1]?.classList.contains("done") ? begun - 1 : begun;
    this.#earlier.append(...items.slice(0, Math.max(0, first)));
    this.#past.hidden = !this.#earlier.childElementCount;
  }

  async #say(line) {
    showReply(this.#notice, await this.#request("lesson", { line }));
  }
}

// What ends a task stands below the next one, so that it says which task it means.
function labelOf(kind, task) {
  return kind === "done" && task ? `Task ${task} is done` : LABELS[kind];
}

function progressItem({ name, title, state, attempts, hints, shown }) {
  const help = [hints && counted(hints, "hint"), shown && "solution shown", attempts && counted(attempts, "attempt")].filter(Boolean);
  const words = `${title}: ${STATES[state]}${help.length ? `, ${help.join(", ")}` : ""}`;
  return element("li", { class: state, title: words, "aria-current": state === "open" ? "step" : null, "data-task": name }, element("span", { class: "visually-hidden" }, words));
}

function allowedList(sentences) {
  return element("div", { class: "allowed" }, element("h4", {}, "What you may do"), element("ul", {}, ...sentences.map((text) => element("li", {}, text))));
}

function answerForm(task, say) {
  const submit = element("button", { type: "submit", class: "primary" }, "Answer");
  const choice = (text, at) => element("label", { class: "choice" }, element("input", { type: "radio", name: "answer", value: at + 1, required: true }), element("span", {}, text));
  const fields = task.choices?.length
    ? element("fieldset", {}, element("legend", { class: "visually-hidden" }, task.question || task.title), ...task.choices.map(choice))
    : element("div", { class: "field" }, element("label", { for: "lesson-answer" }, "Your answer"), element("input", { id: "lesson-answer", name: "answer", required: true, autocomplete: "off", spellcheck: "false", placeholder: task.placeholder }));
  const form = element("form", { "aria-label": "Answer" }, fields, submit);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    say(String(new FormData(form).get("answer")));
  });
  return form;
}
