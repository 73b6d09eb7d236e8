/** Words about an instrument: which model, how its clock goes. */
import type { DeviceStatus } from '../shared/wire'
import { clockErrorText, t } from '../shared/words.svelte'

/** What `carebag demo` plays calls itself so. */
const SIMULATOR = 'Carebag simulator'

/** "A&D Medical UA-651BLE"; "Simulerad" for one that plays no model. */
export function modelText({ maker, model, name }: Pick<DeviceStatus, 'maker' | 'model' | 'name'>): string {
  if (maker === SIMULATOR) return t('device.simulated')
  return [maker, model || name].filter((word) => word !== '').join(' ')
}

/** "Går 37 min före", "Rätt", "Inte ställd", "Ingen klocka som går att läsa". */
export function clockWords(device: Pick<DeviceStatus, 'clock' | 'clock_error_s'>): string {
  if (device.clock === 'off' && device.clock_error_s !== null) {
    const text = clockErrorText(device.clock_error_s)
    return text.charAt(0).toUpperCase() + text.slice(1)
  }
  return t(`clock.${device.clock}`)
}
