import { expect, test } from 'vitest'
import type { Choices } from '../../../src/core/setup/choices.ts'
import { imagesSetting } from '../../../src/core/setup/compose-images.ts'
import { machine, node } from './seen.ts'

const choicesOf = (...machines: readonly { name: string; architecture?: string; gpu?: true }[]): Choices =>
  ({
    cluster: {
      seen: {
        nodes: machines.map(({ name, architecture = 'amd64' }) =>
          node({ name, machine: machine({ name, architecture }) }),
        ),
      },
    },
    schematics: [
      { name: 'homelab', nodes: machines.filter(({ gpu }) => !gpu).map(({ name }) => name) },
      { name: 'gpu', nodes: machines.filter(({ gpu }) => gpu).map(({ name }) => name) },
    ],
  }) as unknown as Choices

test('machines of one kind need no list of images', () => {
  expect(imagesSetting(choicesOf({ name: 'cp-1' }, { name: 'w-1' }))).toBeUndefined()
})

test('for machines of several kinds there is an image for each, with a name of its own', () => {
  const setting = imagesSetting(
    choicesOf({ name: 'cp-1' }, { name: 'pi-1', architecture: 'arm64' }, { name: 'w-1', gpu: true }, { name: 'w-2' }),
  )
  expect(setting?.isOff).toBe(true)
  expect(setting?.value).toEqual({
    kind: 'inline',
    value: [
      { name: 'amd64', nodes: ['cp-1', 'w-2'] },
      { name: 'arm64', architecture: 'arm64', nodes: ['pi-1'] },
      { name: 'gpu-amd64', schematic: 'gpu', file: 'metal-{arch}-{schematic}.efi', nodes: ['w-1'] },
    ],
  })
  expect(setting?.above?.[0]).toContain('amd64 with homelab, arm64 with homelab and amd64 with gpu')
})
