/** What is said of the sound path before it was ever proved: what the proof waits for. Pure. */
export interface Now {
  connected: boolean
  audible: boolean
  quiet: boolean
}

/** Sound that is on while the body is listened to: it is the stethoscope that is waited for, not the sound. */
export function waitingWord(word: 'off' | 'waiting', { connected, audible, quiet }: Now): 'off' | 'waiting' {
  if (!audible) return 'off'
  return connected && !quiet ? 'waiting' : word
}
