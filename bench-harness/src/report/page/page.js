// A link to a row opens it in the dialog; the address names it, so that it can be passed on and the back button closes it.
"use strict";
(() => {
  const dialog = document.getElementById("row");
  const text = (id, words) => { document.getElementById(id).textContent = words; };
  // Indented without being parsed: numbers stay as they were written, digit for digit.
  const indented = (json) => {
    let depth = 0;
    const line = () => "\n" + "  ".repeat(depth);
    const tokens = json.match(/"(?:\\.|[^"\\])*"|[[{]\s*[\]}]|[[\]{},:]|[^\s"[\]{},:]+/g) ?? [];
    return tokens.map((token) => {
      if (token === "{" || token === "[") { depth += 1; return token + line(); }
      if (token === "}" || token === "]") { depth -= 1; return line() + token; }
      if (token === ",") return token + line();
      return token === ":" ? ": " : token;
    }).join("");
  };
  const show = () => {
    const [, folder, row] = /^#row-(\d+)-(\d+)$/.exec(location.hash) ?? [];
    const json = document.getElementById(`rows-${folder}`)?.textContent.split("\n")[row];
    if (!json) {
      if (dialog.open) dialog.close();
      return;
    }
    const found = JSON.parse(json);
    text("row-title", `${found.workload} on ${found.system}`);
    text("row-about", `Line ${Number(row) + 1} of rows.jsonl: repeat ${found.repeat + 1}, ${found.verdict.standing.replace("_", " ")}.`);
    text("row-json", indented(json));
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
  };
  addEventListener("hashchange", show);
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  // The page stays where it was: an address without a fragment would scroll it to the top.
  dialog.addEventListener("close", () => {
    if (location.hash.startsWith("#row-")) history.replaceState(null, "", location.pathname + location.search);
  });
  show();
})();
