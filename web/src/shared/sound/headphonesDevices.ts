/** What the browser says of the devices in use. */
import type { AudioEnd } from './headphonesCallMode'

/** The output that sound goes to when nobody chose one; an empty label where the browser tells none. */
export async function outputInUse(): Promise<AudioEnd> {
  const rateHz = await ownRate()
  const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? []
  const outputs = devices.filter((one) => one.kind === 'audiooutput')
  const usual = outputs.find((one) => one.deviceId === 'default') ?? outputs[0]
  // Chromium lists the default once more, as "Default - ..."; the entry of the device itself has the plain name
  const itself = outputs.find((one) => one.deviceId !== 'default' && one.groupId !== '' && one.groupId === usual?.groupId)
  return { label: (itself ?? usual)?.label ?? '', groupId: usual?.groupId ?? '', rateHz }
}

/** The microphone that a track comes from. */
export async function microphoneOf(track: MediaStreamTrack | null): Promise<AudioEnd | null> {
  if (track === null || track.readyState === 'ended') return null
  const { deviceId, groupId, sampleRate } = track.getSettings()
  const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? []
  const device = devices.find((one) => one.kind === 'audioinput' && one.deviceId === deviceId)
  return { label: track.label || device?.label || '', groupId: groupId ?? device?.groupId ?? '', rateHz: sampleRate ?? 0 }
}

/** A context made without a wish takes the output's own rate; it need not run for that. */
async function ownRate(): Promise<number> {
  try {
    const context = new AudioContext()
    const { sampleRate } = context
    await context.close()
    return sampleRate
  } catch {
    return 0
  }
}
