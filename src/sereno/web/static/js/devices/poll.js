/** Asking for the devices again and again while the page is looked at. */

import { request } from "../api.js";

const EVERY = 2000;

/**
 * @param {(devices: any[]) => void} onDevices
 * @param {(reason: string) => void} onError
 */
export function pollDevices(onDevices, onError) {
  const ask = async () => {
    if (document.hidden) return;
    try {
      onDevices((await request("devices")).devices);
    } catch (error) {
      onError(error.message);
    }
  };
  setInterval(ask, EVERY);
  return ask();
}
