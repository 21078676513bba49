// The service worker: what never changes is kept, so that a phone on a slow line opens at once; what people see is never kept.
const SHELL = 'shell-1'
const ASSETS = 'assets-1'
const MOST = 120 // files of earlier builds go when there are more

self.addEventListener('install', (event) => {
  event.waitUntil(keepShell().then(() => self.skipWaiting()))
})

/** The page, and what it loads before anything else: without a network it can at least say so. */
async function keepShell() {
  const answer = await fetch('/', { cache: 'reload' })
  if (!answer.ok) throw new Error(`the page answers ${answer.status}`)
  const files = [...(await answer.clone().text()).matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((found) => found[1])
  await (await caches.open(SHELL)).put('/', answer)
  await (await caches.open(ASSETS)).addAll([...new Set(files)])
}

self.addEventListener('activate', (event) => {
  const known = [SHELL, ASSETS]
  event.waitUntil(
    caches.keys()
      .then((names) => Promise.all(names.filter((name) => !known.includes(name)).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  )
})

self.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== self.location.origin) return
  if (request.mode === 'navigate' && !/^\/(api|health|metrics)(\/|$)/.test(url.pathname)) event.respondWith(shell(request))
  else if (url.pathname.startsWith('/assets/')) event.respondWith(asset(request))
})

/** The page as the server has it; as it was kept, where the server cannot be reached. */
async function shell(request) {
  const cache = await caches.open(SHELL)
  try {
    const answer = await fetch(request)
    if (answer.ok && (answer.headers.get('content-type') ?? '').startsWith('text/html')) await cache.put('/', answer.clone())
    return answer
  } catch (error) {
    const kept = await cache.match('/')
    if (kept) return kept
    throw error
  }
}

/** The name of an asset says what is in it. */
async function asset(request) {
  const cache = await caches.open(ASSETS)
  const kept = await cache.match(request)
  if (kept) return kept
  // a connection that was open to a server that is gone fails once
  const answer = await fetch(request).catch(() => fetch(request))
  if (answer.ok) {
    await cache.put(request, answer.clone())
    const names = await cache.keys()
    await Promise.all(names.slice(0, Math.max(0, names.length - MOST)).map((name) => cache.delete(name)))
  }
  return answer
}
