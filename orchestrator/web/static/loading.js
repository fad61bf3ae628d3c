// Loads the page anew where one of its files did not come: after a pause, some times, and then says what to do.
// A browser breaks off what it loads when a network interface appears, and each node of a lab that starts brings one.
// This script stands in the text of the page: it is there where no other file is.
(() => {
  const MOST_TRIES = 6;
  const FIRST_PAUSE = 400;
  const LONGEST_PAUSE = 4000;
  const tries = history.state?.tries ?? 0;
  const page = document.documentElement;

  function missed({ target }) {
    if (target instanceof Element && target.matches("script, link[rel=stylesheet]")) page.classList.add("incomplete");
  }

  function loaded() {
    if (!page.classList.contains("incomplete")) history.replaceState(null, "");
    else if (tries < MOST_TRIES) setTimeout(loadAnew, Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** tries));
    else giveUp();
  }

  function loadAnew() {
    history.replaceState({ tries: tries + 1 }, "");
    location.reload();
  }

  function giveUp() {
    history.replaceState(null, "");
    const reload = document.createElement("button");
    reload.type = "button";
    reload.textContent = "Reload";
    reload.addEventListener("click", () => location.reload());
    const banner = document.getElementById("connection");
    banner.replaceChildren("Check that the command that printed the link still runs in its terminal, then reload the page. ", reload);
    banner.hidden = false;
    for (const part of document.querySelectorAll("main, nav, .skip")) part.remove();
    document.getElementById("title").textContent = "Some files of this page could not be loaded";
  }

  addEventListener("error", missed, true); // the event of a file does not bubble
  addEventListener("load", loaded);
})();
