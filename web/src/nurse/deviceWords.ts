/** Sentences about an instrument's clock. */
import type { DeviceStatus } from '../shared/wire'
import { clockErrorText, t } from '../shared/words.svelte'

/** "Går 37 min före", "Rätt", "Inte ställd", "Ingen klocka som går att läsa". */
export function clockWords(device: Pick<DeviceStatus, 'clock' | 'clock_error_s'>): string {
  if (device.clock === 'off' && device.clock_error_s !== null) {
    const text = clockErrorText(device.clock_error_s)
    return text.charAt(0).toUpperCase() + text.slice(1)
  }
  return t(`clock.${device.clock}`)
}
