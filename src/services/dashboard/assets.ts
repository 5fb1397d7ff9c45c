import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

/** What is served as it is, and where it lies beside `assets/` in a checkout: the build copies packages' files there. */
const files: Readonly<Record<string, string>> = {
  'dashboard.css': 'dashboard.css',
  'dashboard.js': 'dashboard.js',
  'requests.js': 'requests.js',
  'chart.js': 'chart.js',
  'icon-fine.svg': 'icon-fine.svg',
  'icon-busy.svg': 'icon-busy.svg',
  'icon-warning.svg': 'icon-warning.svg',
  'icon-critical.svg': 'icon-critical.svg',
  'htmx.js': '../../../../node_modules/htmx.org/dist/htmx.min.js',
  'uplot.js': '../../../../node_modules/uplot/dist/uPlot.iife.min.js',
  'uplot.css': '../../../../node_modules/uplot/dist/uPlot.min.css',
}

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
}

const compress = promisify(gzip)

export interface Assets {
  /** Where it is served; its name changes with its content. */
  urlOf(name: string): string
  /** Undefined where there is none at this path. */
  answer(request: Request): Response | undefined
}

/** Reads everything that pages load, once. @param folder of `assets` */
export async function openAssets(folder: URL): Promise<Assets> {
  const all = await Promise.all(Object.entries(files).map(([name, place]) => readAsset(folder, name, place)))
  const byName = new Map(all.map((asset) => [asset.name, asset]))
  const byPath = new Map(all.map((asset) => [asset.path, asset]))
  return {
    urlOf: (name) => byName.get(name)!.path,
    answer: (request) => {
      const asset = byPath.get(new URL(request.url).pathname)
      if (!asset) return undefined
      const isCompressed = /\bgzip\b/.test(request.headers.get('accept-encoding') ?? '')
      return new Response(isCompressed ? asset.compressed : asset.bytes, {
        headers: {
          'content-type': asset.type,
          'cache-control': 'public, max-age=31536000, immutable',
          vary: 'accept-encoding',
          ...(isCompressed ? { 'content-encoding': 'gzip' } : {}),
        },
      })
    },
  }
}

async function readAsset(folder: URL, name: string, place: string) {
  const bytes = await readFile(new URL(name, folder)).catch(() => readFile(new URL(place, folder)))
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 10)
  const extension = extname(name)
  return {
    name,
    path: `/assets/${name.slice(0, -extension.length)}.${hash}${extension}`,
    type: types[extension] ?? 'application/octet-stream',
    bytes: new Uint8Array(bytes),
    compressed: new Uint8Array(await compress(bytes, { level: 9 })),
  }
}
