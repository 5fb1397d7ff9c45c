import { expect, test } from 'vitest'
import { type BootImage, chooseBootImage } from '../../../src/core/netboot/boot-image.ts'

const plain: BootImage = {
  architecture: 'amd64',
  secureBoot: false,
  kind: 'uki',
  file: 'metal-amd64-uki.efi',
  nodes: [],
}
const signed: BootImage = { ...plain, secureBoot: true, file: 'metal-amd64-secureboot-uki.efi' }
const gpu: BootImage = { ...plain, file: 'gpu.efi', nodes: ['gpu-1'] }
const arm: BootImage = { ...plain, architecture: 'arm64', file: 'metal-arm64-uki.efi' }

interface Case {
  readonly name: string
  readonly images: readonly BootImage[]
  readonly machine?: string
  readonly is: string | undefined
}

test.each<Case>([
  { name: 'the one of its processor', images: [arm, plain], is: 'metal-amd64-uki.efi' },
  { name: 'its own', images: [plain, gpu], machine: 'gpu-1', is: 'gpu.efi' },
  { name: 'not that of another', images: [gpu, plain], machine: 'w-1', is: 'metal-amd64-uki.efi' },
  { name: 'not that of another, where it is a stranger', images: [gpu], is: undefined },
  { name: 'the one without SecureBoot', images: [signed, plain], is: 'metal-amd64-uki.efi' },
  { name: 'the one with SecureBoot where there is no other', images: [signed], is: 'metal-amd64-secureboot-uki.efi' },
  {
    name: 'no kernel, which takes iPXE, and no ISO',
    images: [
      { ...plain, kind: 'kernel' },
      { ...plain, kind: 'iso' },
    ],
    is: undefined,
  },
  {
    name: 'none whose name changes with the release',
    images: [{ ...plain, file: 'talos-{version}.efi' }],
    is: undefined,
  },
])('of several images a machine boots $name', ({ images, machine, is }) => {
  expect(chooseBootImage(images, 'amd64', machine)?.file).toBe(is)
})
