/** Keyboard shortcuts: single keys and two-key sequences; off while typing. */

const PATIENCE = 1200;
const TYPING = new Set(["INPUT", "SELECT", "TEXTAREA"]);

/**
 * @param {Record<string, (event: KeyboardEvent) => void>} actions by key ("/") or sequence ("g t")
 * @returns {(event: KeyboardEvent) => void} listener for keydown
 */
export function keyListener(actions) {
  const prefixes = new Set(Object.keys(actions).filter((key) => key.length > 1).map((key) => key.split(" ")[0]));
  let prefix = "";
  let until = 0;
  return (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented || isTyping(event)) return;
    const sequence = prefix && event.timeStamp < until ? `${prefix} ${event.key}` : event.key;
    prefix = "";
    const action = actions[sequence] ?? actions[event.key];
    if (action) {
      event.preventDefault();
      action(event);
    } else if (prefixes.has(event.key)) {
      prefix = event.key;
      until = event.timeStamp + PATIENCE;
    }
  };
}

function isTyping(event) {
  const target = event.composedPath()[0];
  return (TYPING.has(target.tagName) && target.type !== "checkbox") || target.isContentEditable || Boolean(document.querySelector("dialog[open]"));
}
