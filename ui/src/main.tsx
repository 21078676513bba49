import './app/fonts/fonts.css'
import './app/mantine.css'
import './app/app.css'
import { MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { setNonce } from 'get-nonce'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Gate } from './app/Gate'
import { queryClient } from './app/queryClient'
import { router } from './app/router'
import { findSession } from './app/session'
import { cssVariablesResolver, theme } from './app/theme'

const nonce = document.querySelector<HTMLMetaElement>('meta[property=csp-nonce]')?.nonce ?? ''
setNonce(nonce) // for the style that a dialog adds while it is open

/** After an update of the server the files of the page before it are gone: begin again, once. */
addEventListener('vite:preloadError', (event) => {
  if (router.state.status !== 'pending') return // only looked ahead: nobody leaves what they are typing for that
  const last = Number(sessionStorage.getItem('procession.reloaded') ?? 0)
  if (Date.now() - last < 60_000) return
  event.preventDefault()
  sessionStorage.setItem('procession.reloaded', String(Date.now()))
  location.reload()
})

/** The browser may keep a page as it was, and show it again after somebody has logged out: begin again. */
addEventListener('pageshow', (event) => {
  if (event.persisted) location.reload()
})

if (import.meta.env.PROD && 'serviceWorker' in navigator)
  navigator.serviceWorker.register('/sw.js').catch(() => undefined) // not on plain http of another machine: it works without

void findSession()

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <MantineProvider theme={theme} cssVariablesResolver={cssVariablesResolver} defaultColorScheme="auto" getStyleNonce={() => nonce}>
      <QueryClientProvider client={queryClient}>
        <Gate />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
)
