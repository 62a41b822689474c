// The script of a report's page: tells the extension which line of the source was chosen, and shows whether the
// report still counts.
(() => {
  const editor = acquireVsCodeApi();
  const subject = JSON.parse(document.body.dataset.state);
  const outdated = document.querySelector(".outdated");
  const sentence = outdated.querySelector("p");
  const before = editor.getState();

  document.addEventListener("click", (event) => {
    const place = event.target.closest("[data-line]");
    if (place !== null) {
      event.preventDefault();
      editor.postMessage({ type: "line", line: Number(place.dataset.line) });
    }
  });
  outdated.querySelector("button").addEventListener("click", () => editor.postMessage({ type: "again" }));
  window.addEventListener("message", ({ data }) => {
    if (data?.type === "state") {
      outdated.hidden = data.outdated === "";
      sentence.textContent = data.outdated;
      document.body.classList.toggle("is-outdated", data.outdated !== "");
    }
  });
  window.addEventListener("scroll", () => editor.setState({ ...subject, scroll: window.scrollY }));

  // A page that was hidden begins anew, where it was.
  const same = before !== undefined && ["uri", "program", "kind"].every((key) => before[key] === subject[key]);
  editor.setState({ ...subject, scroll: same ? before.scroll : 0 });
  if (same) {
    window.scrollTo(0, before.scroll);
  }
  editor.postMessage({ type: "ready" });
})();
