import { expect, test } from 'vitest'
import type { RecipeFacts } from '../../../src/core/netboot/recipes/facts.ts'
import { recipeFor } from '../../../src/core/netboot/recipes/recipe.ts'
import { routerKinds } from '../../../src/core/netboot/recipes/routers.ts'

const facts: RecipeFacts = {
  server: '192.168.0.6',
  files: { amd64: 'metal-amd64-uki.efi' },
  http: undefined,
  network: '192.168.0.0/24',
}
const both: RecipeFacts = {
  ...facts,
  files: { amd64: 'metal-amd64-uki.efi', arm64: 'metal-arm64-uki.efi' },
  http: 'http://192.168.0.10:8070/',
}

test.each(routerKinds)('the recipe for %s names the server and the file of this homelab', (router) => {
  const { lines, notes, title, where } = recipeFor(router, facts)
  const text = lines.join('\n')
  expect(text).toContain('192.168.0.6')
  expect(text).toContain('metal-amd64-uki.efi')
  expect(text).not.toMatch(/undefined|arm64/)
  expect(title).not.toBe('')
  expect(where).not.toMatch(/\.$/)
  expect(notes.join(' ')).toContain('caretaker netboot check')
})

test.each(['dnsmasq', 'kea', 'isc', 'opnsense', 'mikrotik', 'openwrt', 'windows'] as const)(
  'the recipe for %s has a file for each processor',
  (router) => {
    const text = recipeFor(router, both).lines.join('\n')
    expect(text).toContain('metal-amd64-uki.efi')
    expect(text).toContain('metal-arm64-uki.efi')
  },
)

test.each(['unifi', 'synology'] as const)('the recipe for %s says that it knows one file only', (router) => {
  expect(recipeFor(router, both).notes.join(' ')).toContain('one file for all machines: those of arm64')
  expect(recipeFor(router, facts).notes.join(' ')).not.toContain('one file')
})

test('MikroTik needs RouterOS 7.4 where there is more than one file', () => {
  expect(recipeFor('mikrotik', both).notes.join(' ')).toContain('RouterOS 7.4')
  expect(recipeFor('mikrotik', facts).notes.join(' ')).not.toContain('7.4')
})

test('MikroTik names the server where firmware looks for it, texts as texts, and the pool of its addresses', () => {
  const { lines } = recipeFor('mikrotik', both)
  expect(lines[0]).toBe('/ip dhcp-server network set [find address=192.168.0.0/24] next-server=192.168.0.6')
  expect(lines[1]).toContain(`value="s'metal-amd64-uki.efi'"`)
  const matchers = lines.filter((line) => line.includes('matcher add'))
  expect(matchers).toHaveLength(3)
  for (const line of matchers) expect(line).toContain('address-pool=[/ip dhcp-server get [find] address-pool]')
})

test.each([
  { name: 'for one processor', files: facts.files, arm: 'metal-amd64-uki.efi' },
  { name: 'for two', files: both.files, arm: 'metal-arm64-uki.efi' },
])('OPNsense and pfSense have a name in every field where there are images $name', ({ files, arm }) => {
  const lines = recipeFor('opnsense', { ...facts, files }).lines.filter((line) => /file ?name: /i.test(line))
  const names = lines.map((line) => line.split(': ')[1])
  expect(names).toEqual(['metal-amd64-uki.efi', arm, 'metal-amd64-uki.efi', arm])
})

test('tags of OPNsense have letters and digits alone', () => {
  const tags = recipeFor('opnsense', both).lines.flatMap((line) => /DHCP tags: Tag (.+)$/.exec(line)?.[1] ?? [])
  expect(tags).toEqual(['talosamd64', 'talosarm64'])
})

test.each(['dnsmasq', 'kea', 'isc'] as const)('the recipe for %s has HTTP boot in its own class', (router) => {
  const text = recipeFor(router, both).lines.join('\n')
  expect(text).toContain('http://192.168.0.10:8070/metal-amd64-uki.efi')
  expect(text).toContain('HTTPClient')
  expect(recipeFor(router, facts).lines.join('\n')).not.toContain('HTTPClient')
})

test('dnsmasq is told both numbers of x64 firmware', () => {
  expect(recipeFor('dnsmasq', facts).lines).toEqual([
    'dhcp-match=set:talos-amd64,option:client-arch,7',
    'dhcp-match=set:talos-amd64,option:client-arch,9',
    'dhcp-boot=tag:talos-amd64,metal-amd64-uki.efi,,192.168.0.6',
  ])
})

test('the part for Kea is JSON', () => {
  expect(JSON.parse(`{${recipeFor('kea', both).lines.join('\n')}}`)).toMatchObject({
    'client-classes': [
      {
        name: 'talos-amd64',
        test: 'option[93].hex == 0x0007 or option[93].hex == 0x0009',
        'next-server': '192.168.0.6',
      },
      { name: 'talos-arm64' },
      { name: 'talos-amd64-http', 'boot-file-name': 'http://192.168.0.10:8070/metal-amd64-uki.efi' },
      { name: 'talos-arm64-http' },
    ],
  })
})

test('Windows has the scope of the network, or says that it is to be filled in', () => {
  expect(recipeFor('windows', facts).lines.join('\n')).toContain('-ScopeId 192.168.0.0 ')
  expect(recipeFor('windows', { ...facts, network: undefined }).notes[0]).toMatch(/^Replace/)
})
