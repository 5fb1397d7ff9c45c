import { hidingFrom } from '../../src/core/provision/mask.ts'
import type { Boot } from '../../src/core/netboot/boots.ts'
import type { MachineOrder } from '../../src/core/provision/machine.ts'
import type { ConfigQuestion } from '../../src/core/provision/question.ts'
import type { ConfigRenderer, RenderedConfig, WrittenMachine } from '../../src/core/provision/render.ts'
import { AgentError } from '../../src/core/errors.ts'

export const uuid = '4c4c4544-0051-3310-8052-b4c04f4e4d31'
export const mac = '52:54:00:12:34:56'
export const address = '192.168.0.21'

/** A machine asks for its configuration, as most do. */
export function asks(
  more: Partial<Omit<ConfigQuestion, 'claim'>> & { claim?: Partial<ConfigQuestion['claim']> } = {},
): ConfigQuestion {
  return { address, way: 'plain', ...more, claim: { uuid, mac, serial: 'SN-1', ...more.claim } }
}

/** The nth of many machines that nobody knows. */
export function stranger(n: number, at = `192.168.${1 + (n >> 7)}.${(n % 127) + 1}`): ConfigQuestion {
  const hex = n.toString(16).padStart(6, '0')
  return asks({
    address: at,
    claim: { uuid: `00000000-0000-4000-8000-000000${hex}`, mac: `02:00:00:${hex.match(/../g)!.join(':')}` },
  })
}

/** What loads our image at the address of `asks`. */
export function loadsImage(at: string, more: Partial<Boot> = {}): Boot {
  return {
    startedAt: at,
    lastAt: at,
    machine: mac,
    mac,
    uuid,
    address,
    kind: 'pxe',
    asked: 1,
    phase: 'loaded',
    file: 'metal-amd64-uki.efi',
    ...more,
  }
}

/** Renders names, roles and secrets; what is written is set by the test. */
export function fakeRenderer(): ConfigRenderer & {
  written: WrittenMachine[]
  broken: string | undefined
  /** Holds every rendering until it resolves. */
  held: Promise<void> | undefined
  rendered: number
} {
  const renderer = {
    written: [] as WrittenMachine[],
    broken: undefined as string | undefined,
    held: undefined as Promise<void> | undefined,
    rendered: 0,
    match: (claim: { readonly mac?: string | undefined; readonly uuid?: string | undefined }) =>
      claim.mac === mac || claim.uuid === uuid ? renderer.written[0] : undefined,
    named: (name: string) => renderer.written.find((one) => one.name === name),
    choices: () => ({ machines: renderer.written.map(({ name }) => name), patches: ['gpu.yaml'] }),
    render: async (
      order: Pick<MachineOrder, 'name' | 'role'> & { readonly patches?: readonly string[] },
    ): Promise<RenderedConfig> => {
      renderer.rendered += 1
      await renderer.held
      if (renderer.broken !== undefined) throw new AgentError('misconfigured', renderer.broken)
      const text = (secret: string) => `machine: { type: ${order.role}, token: ${secret} } # ${order.name}\n`
      return {
        text: text('canary-7f3a'),
        masked: text('(secret)'),
        diff: `+ hostname: ${order.name}\n`,
        contract: '1.13',
        installs: { version: 'v1.13.9', schematic: 'f'.repeat(64) },
        patches: order.patches ?? [],
        warnings: [],
        addresses: [],
        hide: hidingFrom(['canary-7f3a']),
      }
    },
  }
  return renderer
}
