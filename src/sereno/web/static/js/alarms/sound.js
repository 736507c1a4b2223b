/** The sound of alarms. A browser plays none before the person has asked for it: until then it is not armed, and that shows. */

const REPEAT = 4000;
const TONES = { 1: [988, 740, 988, 740], 2: [784, 784], 3: [587], 4: [440] };
/** @type {AudioContext | null} */
let context = null;
let timer = 0;

/** Whether a sound would be heard. */
export function armed() {
  return context?.state === "running";
}

/** To be called by a click or a key: browsers ask for that. */
export async function arm(wanted) {
  if (wanted) {
    context ??= new AudioContext();
    await context.resume();
    beep(4);
  } else {
    silence();
    await context?.suspend();
  }
  document.dispatchEvent(new Event("alarmsound"));
}

/** Sound until it is silenced: priority 1 and 2 again and again, the others once. */
export function play(priority) {
  if (!armed()) return;
  beep(priority);
  clearInterval(timer);
  if (priority <= 2) timer = setInterval(() => beep(priority), REPEAT);
}

export function silence() {
  clearInterval(timer);
  timer = 0;
}

function beep(priority) {
  (TONES[priority] ?? TONES[4]).forEach((frequency, index) => {
    const start = context.currentTime + index * 0.22;
    const gain = new GainNode(context, { gain: 0 });
    const tone = new OscillatorNode(context, { frequency, type: "triangle" });
    gain.gain.setValueAtTime(0, start);
    gain.gain.linearRampToValueAtTime(0.25, start + 0.02);
    gain.gain.linearRampToValueAtTime(0, start + 0.18);
    tone.connect(gain).connect(context.destination);
    tone.start(start);
    tone.stop(start + 0.2);
  });
}
