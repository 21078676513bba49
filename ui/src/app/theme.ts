import { createTheme, DEFAULT_THEME, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core'
import { t } from '../texts'

const sans = "'Inter Variable', Inter, system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif"

export const theme = createTheme({
  primaryColor: 'indigo',
  primaryShade: { light: 7, dark: 7 }, // white on it is 4.5:1
  colors: { red: DEFAULT_THEME.colors.red.with(7, DEFAULT_THEME.colors.red[9]) as unknown as MantineColorsTuple }, // white on 7 is 3.8:1
  autoContrast: true,
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    // a dialog's head is no banner of the page
    ModalHeader: { defaultProps: { role: 'presentation' } },
    DrawerHeader: { defaultProps: { role: 'presentation' } },
    // axe takes a place for the focus without a role of its own for a wrong child of the menu: the first entry gets it
    Menu: { defaultProps: { withInitialFocusPlaceholder: false } },
    Notification: { defaultProps: { closeButtonProps: { 'aria-label': t.app.close } } },
  },
  fontFamily: sans,
  fontFamilyMonospace: "ui-monospace, SFMono-Regular, 'JetBrains Mono', 'DejaVu Sans Mono', monospace",
  headings: { fontWeight: '600', sizes: { h1: { fontSize: '1.25rem', lineHeight: '1.3' }, h2: { fontSize: '1.0625rem', lineHeight: '1.35' }, h3: { fontSize: '0.9375rem', lineHeight: '1.4' } } },
})

/** Mantine's dimmed, placeholder and error texts, white on its red, and the texts on pale yellow and green, are too pale for 4.5:1. */
const RED = { '--mantine-color-red-filled': '#c92a2a', '--mantine-color-red-filled-hover': '#b02525' }

export const cssVariablesResolver: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    ...RED,
    '--mantine-color-dimmed': '#495057',
    '--mantine-color-placeholder': '#5c636a',
    '--mantine-color-error': '#c92a2a',
    '--mantine-color-yellow-light-color': '#8a4400',
    '--mantine-color-green-light-color': '#1d6b2f',
    '--mantine-color-default-border': '#ced4da',
  },
  dark: {
    ...RED,
    '--mantine-color-dimmed': '#b4b5b9',
    '--mantine-color-placeholder': '#a6a7ab',
    '--mantine-color-error': '#ff8787',
  },
})
