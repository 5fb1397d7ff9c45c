import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import type { Asked } from './every-command.ts'

/** Those that ask nobody, and why no other machine can. */
const local: Readonly<Record<string, string>> = {
  start: 'is the daemon',
  completion: 'writes a script',
  complete: 'asks for names where one may stand',
  backup: 'reads the files of this machine',
  restore: 'replaces files of this machine while no daemon runs',
  init: 'looks from this machine, and writes its configuration',
  'schematic id': 'reads a file of this machine',
  'schematic check': 'reads a file of this machine, and asks the Factory from here',
  'schematic diff': 'reads files of this machine',
  'schematic delivery': 'edits a file of this machine',
  'uki inspect': 'reads a file of this machine',
  'config check': 'reads the files of this machine',
  'machine secrets': 'hands over by the socket of this machine what no network is to carry',
}

test('whatever a command asks or requests can be had by the API, as its document says', async () => {
  const asked = await runAll()
  const document = JSON.parse(
    await readFile(new URL('../../config/caretaker.openapi.json', import.meta.url), 'utf8'),
  ) as { readonly paths: Readonly<Record<string, object>> }
  const routes = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({
      request: `${method.toUpperCase()} ${path}`,
      matches: new RegExp(`^${method.toUpperCase()} /api/v1${path.replaceAll(/\{.+?\}/g, '[^/]+')}$`),
    })),
  )
  const answered = Object.entries(asked).map(([command, requests]) => {
    const found = requests.map((request) => {
      const [line = ''] = request.split('?')
      return routes.find(({ matches }) => matches.test(line))?.request ?? `no route: ${request}`
    })
    return [command, found] as const
  })
  const unserved = answered.filter(([, found]) => found.some((one) => one.startsWith('no route')))
  expect(unserved).toEqual([])
  const silent = answered.filter(([, found]) => found.length === 0).map(([command]) => command)
  expect(silent.toSorted()).toEqual(Object.keys(local).toSorted())
  expect(answered.length).toBeGreaterThan(35)
})

async function runAll(): Promise<Asked> {
  const script = fileURLToPath(new URL('every-command.ts', import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, ['--disable-warning=ExperimentalWarning', script])
  return JSON.parse(stdout) as Asked
}
