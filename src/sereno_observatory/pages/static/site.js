/** Who is who at this site, and what who is signed in may do; asked once per page. */

import { el, request } from "../../js/public.js";

/**
 * @type {{environment: string | null, majordome: string | null, sequences: string | null, observer: string | null, plc: string | null,
 *   agents: {path: string, supervision: string, description: string, commands: string[]}[],
 *   simulators: {path: string, supervision: string, description: string, url: string, commands: string[], scenarios: string[]}[],
 *   instruments: {path: string, kind: string, description: string, driver: string, may: boolean, writable: string[]}[],
 *   writable: string[], called: string[], modes: string[],
 *   events: {name: string, tag: string, value: any, unit: string}[]}}
 */
export const site = await request("app/observatory/site").catch((error) => {
  document.querySelector("main .page-head")?.append(el("p", { className: "chip chip-crit", role: "alert" }, error.message));
  throw error; // nothing of the page can be made without it
});

/** The first instrument of a kind, or null. */
export function instrument(kind) {
  return site.instruments.find((one) => one.kind === kind) ?? null;
}
