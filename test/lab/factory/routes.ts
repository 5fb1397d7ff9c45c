import { hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { type Answer, json, refusal } from './answers.ts'
import type { LabFactoryFaults } from './faults.ts'
import type { Route } from './routing.ts'
import { listed, parseVersion, withV } from './versions.ts'

/** What the Factory knows, and what answers for more than a line. */
export interface RouteParts {
  readonly schematics: ReadonlyMap<string, string>
  readonly versions: ReadonlySet<string>
  readonly withdrawn: ReadonlySet<string>
  readonly faults: LabFactoryFaults
  /** Of a release that it offers; refuses for others. */
  extensionsOf(version: string): readonly string[]
  register(request: IncomingMessage): Promise<Answer>
  readonly image: Route['answer']
  readonly pxe: Route['answer']
}

/** All that it serves. */
export function routesOf(parts: RouteParts): readonly Route[] {
  const { schematics, versions, withdrawn, faults, extensionsOf, ...answers } = parts
  return [
    { methods: ['GET', 'HEAD'], pattern: '/healthz', answer: () => ({ status: 200 }) },
    { methods: ['GET', 'HEAD'], pattern: '/readyz', answer: () => ({ status: 200 }) },
    { methods: ['POST'], pattern: '/schematics', answer: (_, request) => answers.register(request) },
    {
      methods: ['GET'],
      pattern: '/schematics/:schematic',
      answer: ({ schematic = '' }) => {
        const yaml = schematics.get(schematic)
        if (yaml === undefined) throw refusal(404, 'schematic not found')
        return { status: 200, body: yaml, headers: { 'content-type': 'application/yaml' } }
      },
    },
    {
      methods: ['GET'],
      pattern: '/versions',
      // internal/frontend/http/versions.go: `broken` counts since v1.3.3, and only as `true`; of nothing Go makes `null`.
      answer: (_, __, url) => {
        if (url.searchParams.get('broken') === 'true' && !faults.ignoresBroken)
          return json(withdrawn.size === 0 ? null : [...withdrawn])
        return json(faults.versionsNull ? null : listed(versions))
      },
    },
    {
      methods: ['GET'],
      pattern: '/version/:version/extensions/official',
      answer: ({ version = '' }) =>
        json(
          extensionsOf(parseVersion(version)).map((name) => ({
            name,
            ref: `ghcr.io/${name}:1.0.0-${withV(version)}`,
            digest: `sha256:${hash('sha256', `${name} ${withV(version)}`)}`,
            author: 'Sidero Labs',
            description: `This system extension provides ${name.replace(/^.*\//, '')}.\n`,
          })),
        ),
    },
    {
      methods: ['GET'],
      pattern: '/version/:version/overlays/official',
      // From Talos 1.7 on; before, there are none.
      answer: ({ version = '' }) => {
        extensionsOf(parseVersion(version))
        const isOld = /^v?1\.[0-6]\./.test(version)
        return json(isOld ? [] : [{ name: 'rpi_generic', image: 'siderolabs/sbc-raspberrypi', ref: '', digest: '' }])
      },
    },
    { methods: ['GET', 'HEAD'], pattern: '/image/:schematic/:version/:path', answer: answers.image },
    { methods: ['GET'], pattern: '/pxe/:schematic/:version/:path', answer: answers.pxe },
    {
      methods: ['GET'],
      pattern: '/oci/cosign/signing-key.pub',
      answer: () => ({ status: 200, headers: { 'content-type': 'application/x-pem-file' } }),
    },
    {
      methods: ['GET'],
      pattern: '/secureboot/signing-cert.pem',
      answer: () => {
        throw refusal(500, 'internal server error')
      },
    },
  ]
}
