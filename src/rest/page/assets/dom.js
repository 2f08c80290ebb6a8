/** The few things that all parts of the page do with the document. What comes from outside is only ever text. */

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {string} className
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export const element = (tag, className = '', ...children) => {
  const made = document.createElement(tag);
  if (className !== '') made.className = className;
  made.append(...children);
  return made;
};

/**
 * @template {Element} E
 * @param {ParentNode} root
 * @param {string} selector
 * @param {abstract new (...args: never[]) => E} type
 * @returns {E}
 */
const find = (root, selector, type) => {
  const found = root.querySelector(selector);
  if (!(found instanceof type)) throw new Error(`the page has no ${type.name} ${selector}`);
  return found;
};

/**
 * @template {Element} E
 * @param {string} id
 * @param {abstract new (...args: never[]) => E} type
 */
export const byId = (id, type) => find(document, `#${id}`, type);

/**
 * The element of a copy of a template that plays a part: `<dd data-part="lag">`.
 * @template {Element} E
 * @param {ParentNode} root
 * @param {string} name
 * @param {abstract new (...args: never[]) => E} type
 */
export const part = (root, name, type) => find(root, `[data-part="${name}"]`, type);

/**
 * A copy of the one element in a template.
 * @param {string} id
 */
export const copyOf = (id) => {
  const copy = byId(id, HTMLTemplateElement).content.firstElementChild?.cloneNode(true);
  if (!(copy instanceof HTMLElement)) throw new Error(`the template ${id} is empty`);
  return copy;
};

/**
 * Writes only what differs: the browser lays out nothing that stayed as it was.
 * @param {Node} node
 * @param {string} text
 */
export const setText = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};

/**
 * @param {Element} node
 * @param {string} name
 * @param {string} value
 */
export const setAttribute = (node, name, value) => {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
};

/**
 * Calls at most once a frame, and not at all while the page is hidden, since a hidden page has no frames.
 * @param {() => void} draw
 */
export const onceAFrame = (draw) => {
  let isAsked = false;
  return () => {
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(() => {
      isAsked = false;
      draw();
    });
  };
};
