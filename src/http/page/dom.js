// Elements, kept in place when what they show changes: the focus and what a screen reader reads must survive a refresh.

const id = name => document.getElementById(name);
const present = value => value !== null && value !== undefined;

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children.filter(child => present(child) && child !== false));
  return made;
}

function svg(tag, attributes, ...children) {
  const made = document.createElementNS("http:" + "//www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter(present));
  return made;
}

/** Sets a text only if it differs, so that live regions speak only when there is something new. */
function say(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

/** Makes the children of `parent` those of `items`, in order; elements of known keys are moved and updated, not replaced. */
function sync(parent, items, keyOf, make, update) {
  const known = new Map([...parent.children].map(child => [child.dataset.key, child]));
  items.forEach((item, place) => {
    const key = String(keyOf(item));
    let child = known.get(key);
    known.delete(key);
    if (!child) {
      child = make(item);
      child.dataset.key = key;
    }
    if (update) update(child, item);
    if (parent.children[place] !== child) parent.insertBefore(child, parent.children[place] || null);
  });
  for (const gone of known.values()) gone.remove();
}

/** Replaces the children of `parent` if `state` differs from that of the last time. */
function show(parent, state, make) {
  const wanted = JSON.stringify(state);
  if (parent.dataset.state === wanted) return;
  const open = new Set([...parent.querySelectorAll("details[open]")].map(part => part.dataset.key));
  const held = parent.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  parent.dataset.state = wanted;
  parent.replaceChildren(...[make()].flat().filter(present));
  for (const part of parent.querySelectorAll("details")) part.open = open.has(part.dataset.key);
  if (held) parent.querySelector(`[data-key="${CSS.escape(held)}"]`)?.focus();
}

function fillSelect(select, options) {
  const wanted = JSON.stringify(options);
  if (select.dataset.options === wanted) return;
  const before = select.value;
  select.dataset.options = wanted;
  select.replaceChildren(...options.map(([value, text]) => Object.assign(element("option", "", text), { value })));
  select.value = options.some(([value]) => value === before) ? before : options[0][0];
}
