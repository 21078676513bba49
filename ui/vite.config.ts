import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

const OUT = '../src/procession/web/static'
const COMPRESSIBLE = /\.(js|css|html|svg|json|webmanifest)$/
/** Smaller files do not shrink enough to be worth it. */
const SMALLEST = 512

/** The server compresses nothing: beside each file it finds what it sends to browsers that take it. */
function compressed(): Plugin {
  return {
    name: 'compressed',
    apply: 'build',
    closeBundle() {
      for (const name of readdirSync(OUT, { recursive: true, encoding: 'utf8' })) {
        const file = join(OUT, name)
        // the server writes a nonce into index.html, so that is compressed by nobody
        if (!COMPRESSIBLE.test(name) || name === 'index.html' || statSync(file).size < SMALLEST) continue
        const data = readFileSync(file)
        writeFileSync(`${file}.gz`, gzipSync(data, { level: 9 }))
        writeFileSync(`${file}.br`, brotliCompressSync(data, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }))
      }
    },
  }
}

const server = process.env.PROCESSION_URL ?? 'http://127.0.0.1:8080'

export default defineConfig({
  plugins: [react(), compressed()],
  html: { cspNonce: '__CSP_NONCE__' },
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0, // data: URLs would need a weaker content security policy
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { '/api': { target: server, ws: true } } },
  test: { environment: 'node', include: ['src/**/*.test.ts'] },
} as Parameters<typeof defineConfig>[0])
