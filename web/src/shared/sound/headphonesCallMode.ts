/**
 * Whether a Bluetooth headset runs in call mode (hands-free profile): while its microphone is in use its loudspeakers get
 * telephone sound, mono and without lows. Browsers do not say so; these signs do:
 *
 * - Windows names the endpoint "... Hands-Free AG Audio", PipeWire and PulseAudio "Headset Head Unit (HSP/HFP)";
 * - the output's own rate, which an AudioContext made without a wish takes, is 8 or 16 kHz (24 kHz for newer ones);
 * - microphone and output have the same `groupId` (W3C Media Capture: one physical device) and it is Bluetooth by its name.
 *
 * Pure; `headphonesDevices.ts` reads the facts.
 */

export interface AudioEnd {
  /** As `enumerateDevices` names it; empty without permission. */
  label: string
  groupId: string
  /** Hz; 0 when not known. */
  rateHz: number
}

/** `certain`: the device says so. `likely`: the headset's own microphone is in use. */
export type CallMode = 'no' | 'likely' | 'certain'

const CALL_PROFILE = /hands[\s-]?free|\bAG audio\b|\bHFP\b|\bHSP\b|head ?set head unit/i
const BLUETOOTH = /bluetooth|bluez|airpods|\bbuds\b|hands[\s-]?free|\bHFP\b/i
const TELEPHONE_HZ = 16_000
/** Super-wide-band speech of newer headsets; music is 44.1 kHz and more. */
const SPEECH_HZ = 24_000

const atMost = (rateHz: number, hz: number): boolean => rateHz > 0 && rateHz <= hz

/** `microphone` is the one in use, null for none. */
export function callMode(output: AudioEnd, microphone: AudioEnd | null): CallMode {
  if (CALL_PROFILE.test(output.label) || atMost(output.rateHz, TELEPHONE_HZ)) return 'certain'
  if (atMost(output.rateHz, SPEECH_HZ)) return 'likely'
  if (microphone === null) return 'no'
  const same = output.groupId !== '' && output.groupId === microphone.groupId
  const bluetooth = BLUETOOTH.test(output.label) || BLUETOOTH.test(microphone.label)
  return same && (bluetooth || atMost(microphone.rateHz, SPEECH_HZ)) ? 'likely' : 'no'
}
