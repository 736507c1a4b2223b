/** The vendored uPlot, loaded when the first chart is drawn. Its minified form is a classic script. */

const SOURCE = new URL("../../vendor/uplot-1.6.32/uPlot.iife.min.js", import.meta.url).href;

/** @type {Promise<any> | null} */
let loading = null;

/** The uPlot constructor. */
export function loadUPlot() {
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = SOURCE;
    script.onload = () => resolve(globalThis.uPlot);
    script.onerror = () => reject(new Error(`${SOURCE} did not load`));
    document.head.append(script);
  });
  return loading;
}
