// The treemap: squares whose areas are bytes, drawn of the facts on the page. Everything it shows is in the tables, too.
"use strict";
(() => {
  const facts = JSON.parse(document.getElementById("facts").textContent);
  const map = document.getElementById("map");
  const path = document.querySelector("#path ol");
  const told = document.getElementById("told");
  const MOST = 240; // tiles at once: a thousand packages stay readable, and the page quick
  const GAP = 2, HEAD = 22, DEPTH = 2;

  const size = (bytes) => {
    if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(2)} GB`;
    if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(1)} MB`;
    return bytes >= 1e3 ? `${Math.round(bytes / 1e3)} KB` : `${bytes} bytes`;
  };
  const percent = (part) => `${(100 * part / (root.size || 1)).toFixed(1)} %`;
  const node = (name, kind, children, more = {}) =>
    ({ name, kind, children, size: children.reduce((sum, one) => sum + one.size, 0), isNew: children.some((one) => one.isNew), ...more });

  function ofLayer(layer) {
    const isNew = Boolean(facts.against) && !layer.inBefore;
    const about = `layer ${layer.digest.slice(7, 19)}`;
    const leaves = layer.packages.map((one) => ({
      name: `${one.name} ${one.version}`, kind: layer.kind, size: one.size, children: [], isNew,
      about: [one.known === "layer" ? `alone in ${about}` : one.known === "even" ? `one of ${layer.packages.length} in ${about}, divided evenly` : `in ${about} of ${layer.packages.length} packages`,
        one.unpacked ? `${size(one.unpacked)} unpacked` : "", one.licence].filter(Boolean).join(", "),
    }));
    if (leaves.length === 1) return { ...leaves[0], size: layer.size };
    return { name: layer.title, kind: layer.kind, size: layer.size, children: leaves, isNew, about };
  }

  // the same layer twice in an image is one blob, which is fetched once
  const unique = [...new Map(facts.layers.map((layer) => [layer.digest, layer])).values()];
  const kinds = [...new Set(unique.map((layer) => layer.kind))];
  const root = node("image", "other", kinds.map((kind) => {
    const inside = unique.filter((layer) => layer.kind === kind).map(ofLayer), [only] = inside;
    // a kind of one layer is that layer: nobody wants to zoom into the same square once more
    return inside.length > 1 ? node(facts.words[kind], kind, inside)
      : { ...only, name: `${facts.words[kind]}: ${kind === "base" && facts.facts["base image"] || only.name}` };
  }));
  let shown = [root], byNew = false;

  // Squarified treemaps (Bruls, Huizing, van Wijk, 2000): rows along the shorter side, as long as they become squarer.
  function squarify(nodes, box) {
    const placed = [];
    const total = nodes.reduce((sum, one) => sum + one.size, 0);
    const scale = total ? box.w * box.h / total : 0;
    let rest = { ...box }, row = [], sum = 0;
    const worst = (list, all, side) => list.length === 0 ? Infinity :
      Math.max(side * side * list[0].size * scale / (all * scale) ** 2, (all * scale) ** 2 / (side * side * list[list.length - 1].size * scale));
    const settle = () => {
      const wide = rest.w >= rest.h, side = wide ? rest.h : rest.w, thick = side ? sum * scale / side : 0;
      let at = wide ? rest.y : rest.x;
      for (const one of row) {
        const long = sum ? side * one.size / sum : 0;
        placed.push([one, wide ? { x: rest.x, y: at, w: thick, h: long } : { x: at, y: rest.y, w: long, h: thick }]);
        at += long;
      }
      rest = wide ? { x: rest.x + thick, y: rest.y, w: rest.w - thick, h: rest.h } : { x: rest.x, y: rest.y + thick, w: rest.w, h: rest.h - thick };
      row = []; sum = 0;
    };
    for (const one of nodes) {
      const side = Math.min(rest.w, rest.h);
      if (row.length && worst([...row, one], sum + one.size, side) > worst(row, sum, side)) settle();
      row.push(one); sum += one.size;
    }
    if (row.length) settle();
    return placed;
  }

  function bounded(children, most) {
    const sorted = children.filter((one) => one.size > 0).sort((a, b) => b.size - a.size || (a.name < b.name ? -1 : 1));
    if (sorted.length <= most) return sorted;
    const rest = sorted.slice(most - 1);
    const kind = rest.every((one) => one.kind === rest[0].kind) ? rest[0].kind : "other";
    return [...sorted.slice(0, most - 1), node(`${rest.length} smaller`, kind, rest)];
  }

  function tile(one, box, isGroup, isMoved) {
    const button = document.createElement("button");
    const colour = byNew ? (isGroup ? "old" : one.isNew ? "new" : "old") : one.kind;
    button.type = "button";
    button.className = `k-${colour}${isGroup ? " group" : ""}${one.children.length ? " opens" : ""}${one.isNew && !isGroup ? " new" : ""}`;
    const words = [one.name, size(one.size), percent(one.size), one.isNew ? (isGroup ? "has new bytes" : "new") : "", one.about || "",
      one.children.length ? `${one.children.length} inside, Enter zooms` : ""].filter(Boolean);
    button.setAttribute("aria-label", words.join(", "));
    button.title = words.slice(0, 5).join("\n");
    button.tabIndex = -1;
    Object.assign(button.style, { left: `${box.x}px`, top: `${box.y}px`, width: `${Math.max(box.w - GAP, 1)}px`, height: `${Math.max(box.h - GAP, 1)}px` });
    if (box.w <= 34 || box.h <= 18) button.style.padding = "0"; // else it would be larger than its bytes
    else {
      const lines = isGroup || box.h < 36 ? [isGroup ? `${one.name} · ${size(one.size)}` : one.name] : [one.name, size(one.size)];
      for (const line of lines) button.appendChild(document.createElement("span")).textContent = line;
    }
    // by keys a group is its headline, which lies above what is in it
    button.node = one; button.box = isGroup ? { ...box, h: HEAD } : box;
    map.appendChild(button);
    if (isMoved) focusOn(button);
  }

  function draw(children, box, depth, budget, wanted) {
    const some = bounded(children, Math.max(2, budget));
    for (const [one, at] of squarify(some, box)) {
      const nests = one.children.length > 1 && depth < DEPTH && at.w > 70 && at.h > 50;
      tile(one, at, nests, one === wanted);
      if (nests) draw(one.children, { x: at.x + GAP, y: at.y + HEAD, w: at.w - 3 * GAP, h: at.h - HEAD - 2 * GAP }, depth + 1,
        Math.floor(budget * one.size / (some.reduce((sum, other) => sum + other.size, 0) || 1)), wanted);
    }
  }

  function focusOn(button) {
    for (const other of map.children) other.tabIndex = -1;
    button.tabIndex = 0;
    button.focus({ preventScroll: true });
  }

  function render(wanted) {
    const top = shown[shown.length - 1];
    map.replaceChildren();
    const box = { x: GAP, y: GAP, w: map.clientWidth - GAP, h: map.clientHeight - GAP };
    draw(top.children, box, 1, MOST, wanted);
    if (map.children.length && ![...map.children].some((one) => one.tabIndex === 0)) map.children[0].tabIndex = 0;
    path.replaceChildren(...shown.map((one, place) => {
      const item = document.createElement("li"), button = item.appendChild(document.createElement("button"));
      button.type = "button";
      button.textContent = one === root ? "whole image" : one.name;
      if (one === top) button.setAttribute("aria-current", "true");
      button.addEventListener("click", () => { const from = shown[place + 1]; shown = shown.slice(0, place + 1); render(from); });
      return item;
    }));
  }

  function say(one) {
    told.textContent = [`${one.name}: ${size(one.size)}, ${percent(one.size)} of the image`, one.isNew ? "new against the image before" : "", one.about || ""].filter(Boolean).join("; ");
  }

  function zoom(one) {
    say(one);
    if (!one.children.length) return;
    shown = [...shown, one];
    const biggest = bounded(one.children, MOST)[0];
    render(biggest);
  }

  function back() {
    if (shown.length < 2) return;
    const from = shown[shown.length - 1];
    shown = shown.slice(0, -1);
    render(from);
  }

  // The nearest tile whose middle lies in the direction of the arrow; what is beside counts twice as far.
  function towards(from, key) {
    const middle = (box) => [box.x + box.w / 2, box.y + box.h / 2];
    const [x, y] = middle(from.box);
    const sign = key === "ArrowLeft" || key === "ArrowUp" ? -1 : 1, flat = key === "ArrowLeft" || key === "ArrowRight";
    let best = null, near = Infinity;
    for (const other of map.children) {
      if (other === from) continue;
      const [ox, oy] = middle(other.box);
      const along = sign * (flat ? ox - x : oy - y), aside = Math.abs(flat ? oy - y : ox - x);
      if (along > 1 && along + 2 * aside < near) { near = along + 2 * aside; best = other; }
    }
    return best;
  }

  map.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) { focusOn(button); zoom(button.node); }
  });
  map.addEventListener("focusin", (event) => { if (event.target.node) say(event.target.node); });
  map.addEventListener("keydown", (event) => {
    const here = event.target.closest("button");
    if (!here) return;
    if (event.key.startsWith("Arrow")) {
      const there = towards(here, event.key);
      if (there) focusOn(there);
      event.preventDefault();
    } else if (event.key === "Escape" || event.key === "Backspace") {
      back();
      event.preventDefault();
    } else if (event.key === "Home" || event.key === "End") {
      focusOn(event.key === "Home" ? map.firstElementChild : map.lastElementChild);
      event.preventDefault();
    }
  });
  for (const choice of document.querySelectorAll("input[name=colour]")) {
    choice.addEventListener("change", () => { byNew = choice.value === "new" && choice.checked; render(); });
  }
  const find = document.getElementById("find"), count = document.getElementById("found");
  if (find) find.addEventListener("input", () => {
    const word = find.value.trim().toLowerCase();
    let left = 0;
    for (const row of document.querySelectorAll("#packages tbody tr")) {
      row.hidden = !row.textContent.toLowerCase().includes(word);
      left += row.hidden ? 0 : 1;
    }
    count.textContent = `${left} package${left === 1 ? "" : "s"}`;
  });
  let width = 0;
  new ResizeObserver(() => { if (map.clientWidth !== width) { width = map.clientWidth; render(); } }).observe(map);
  for (const hidden of document.querySelectorAll("[data-needs-script]")) hidden.hidden = false;
  render();
})();
