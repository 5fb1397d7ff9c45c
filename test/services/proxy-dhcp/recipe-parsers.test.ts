import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env } from 'node:process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { RecipeFacts } from '../../../src/core/netboot/recipes/facts.ts'
import { recipeFor } from '../../../src/core/netboot/recipes/recipe.ts'
import { lacks } from '../../lab/needs.ts'

/** The programs themselves read what is to be typed into them. */

const network = '192.168.0.0/24'
const facts: RecipeFacts = {
  server: '192.168.0.6',
  files: { amd64: 'metal-amd64-uki.efi', arm64: 'metal-arm64-uki.efi' },
  http: 'http://192.168.0.10:8070/',
  network,
}

interface Parser {
  readonly router: 'dnsmasq' | 'kea' | 'isc'
  readonly program: string
  readonly package: string
  readonly args: (file: string) => readonly string[]
  /** A whole configuration around the recipe. */
  readonly whole: (recipe: string) => string
}

const parsers: readonly Parser[] = [
  {
    router: 'dnsmasq',
    program: 'dnsmasq',
    package: 'dnsmasq-base',
    args: (file) => ['--test', `--conf-file=${file}`],
    whole: (recipe) => `dhcp-range=192.168.0.100,192.168.0.200\n${recipe}\n`,
  },
  {
    router: 'kea',
    program: 'kea-dhcp4',
    package: 'kea-dhcp4-server',
    args: (file) => ['-t', file],
    whole: (recipe) => `{ "Dhcp4": {
      "lease-database": { "type": "memfile", "persist": false },
      "subnet4": [{ "id": 1, "subnet": "${network}" }],
      ${recipe}
    } }`,
  },
  {
    router: 'isc',
    program: 'dhcpd',
    package: 'isc-dhcp-server',
    args: (file) => ['-t', '-cf', file],
    whole: (recipe) => `${recipe}\nsubnet 192.168.0.0 netmask 255.255.255.0 { range 192.168.0.100 192.168.0.200; }\n`,
  },
]

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'caretaker-recipes-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

// Where they lie is on the path of root alone.
const PATH = `${env['PATH'] ?? ''}:/usr/sbin:/sbin`

describe.each(parsers)('$program', ({ router, program, package: debian, args, whole }) => {
  const isMissing = spawnSync(program, ['-V'], { env: { PATH } }).error !== undefined
  const skips = lacks(isMissing ? `${program} is missing: apt-get install ${debian}` : undefined, { alsoInCi: true })

  async function read(recipe: string) {
    const file = join(folder, `${router}.conf`)
    await writeFile(file, whole(recipe))
    const { status, stdout, stderr } = spawnSync(program, args(file), { env: { PATH }, encoding: 'utf8' })
    return { isTaken: status === 0, said: `${stdout}${stderr}` }
  }

  test.skipIf(skips)('takes the recipe for it', async () => {
    const { isTaken, said } = await read(recipeFor(router, facts).lines.join('\n'))
    expect(said).not.toMatch(/\b(WARN|warning|ERROR)\b/)
    expect(isTaken, said).toBe(true)
  })

  test.skipIf(skips)('refuses a line of it that is cut short', async () => {
    const { lines } = recipeFor(router, facts)
    const { isTaken } = await read(lines.map((line) => line.replace(/(0x0007|client-arch|00:07).*/, '')).join('\n'))
    expect(isTaken).toBe(false)
  })
})
