/** Light or dark: what the system prefers, unless this person chose here. The choice stays in this browser. */
const KEY = 'scorestream.theme'

export type ThemeChoice = 'system' | 'light' | 'dark'
const CHOICES: readonly ThemeChoice[] = ['system', 'light', 'dark']

const stored = (): ThemeChoice => CHOICES.find((one) => one === localStorage.getItem(KEY)) ?? 'system'

class Theme {
  choice = $state<ThemeChoice>('system')
  /** Counts changes of what is shown, the system's included: charts painted on a canvas take their colours anew. */
  revision = $state(0)

  set(choice: ThemeChoice): void {
    this.choice = choice
    localStorage.setItem(KEY, choice)
    this.apply()
  }

  next(): void {
    this.set(CHOICES[(CHOICES.indexOf(this.choice) + 1) % CHOICES.length] ?? 'system')
  }

  apply(): void {
    const root = document.documentElement
    if (this.choice === 'system') delete root.dataset['theme']
    else root.dataset['theme'] = this.choice
    this.revision++
  }
}

export const theme = new Theme()

export const startTheme = (): void => {
  theme.choice = stored()
  theme.apply()
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => theme.revision++)
}

/** A colour of the style sheet as the canvas needs it, in the theme shown now. */
export const colourOf = (name: `--${string}`): string => {
  const probe = document.createElement('span')
  probe.style.color = `var(${name})`
  document.body.append(probe)
  const colour = getComputedStyle(probe).color
  probe.remove()
  return colour
}
