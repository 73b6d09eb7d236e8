/** Light or dark: as the device says, or as this person chose. */
export const THEMES = ['auto', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]
const STORE = 'carebag.theme'

class ThemeChoice {
  now = $state<Theme>(THEMES.find((theme) => theme === localStorage.getItem(STORE)) ?? 'auto')

  constructor() {
    this.#apply()
  }

  choose(theme: Theme): void {
    this.now = theme
    localStorage.setItem(STORE, theme)
    this.#apply()
  }

  #apply(): void {
    if (this.now === 'auto') delete document.documentElement.dataset['theme']
    else document.documentElement.dataset['theme'] = this.now
  }
}

export const theme = new ThemeChoice()
