import { describe, expect, test } from 'vitest'
import { inspectConfig, parseConfig } from '../../src/config/config.ts'
import { findMistakes } from '../../src/config/mistakes.ts'

const nodes = [
  { name: 'cp-1', role: 'controlplane', address: '10.0.0.1' },
  { name: 'w-1', role: 'worker', address: '10.0.0.2', schematic: 'gpu' },
]
const textOf = (images: readonly object[], more: object = {}) =>
  JSON.stringify({ schematic: 'homelab', share: { directory: '/srv/pxe' }, nodes, images, ...more })
const faultsOf = (images: readonly object[], more: object = {}) =>
  inspectConfig(textOf(images, more), 'c.yaml').faults.map(({ setting, message }) => `${setting}: ${message}`)
const mistakesOf = (images: readonly object[], more: object = {}) =>
  findMistakes(parseConfig(textOf(images, more), 'c.yaml'), new Date('2026-11-27T00:00:00Z'))
    .filter(({ path }) => path.includes('images') || path.includes('schematic'))
    .map(({ path, text, severity }) => `${severity} ${path.join('.')}: ${text}`)

describe('a list of images', () => {
  test('needs no more than a name for each', () => {
    expect(faultsOf([{ name: 'mini' }, { name: 'board', architecture: 'arm64' }])).toEqual([])
  })

  test.each([
    {
      what: 'the same name twice',
      images: [{ name: 'a' }, { name: 'a', architecture: 'arm64' }],
      says: ['images.1.name: another image is called a'],
    },
    {
      what: 'the same file twice',
      images: [{ name: 'a' }, { name: 'b', schematic: 'gpu' }],
      says: ['images.1.file: metal-amd64-uki.efi is the file of a already: give it another one'],
    },
    {
      what: 'files that become the same',
      images: [
        { name: 'a', file: '{schematic}.efi' },
        { name: 'b', schematic: 'homelab', file: 'homelab.efi' },
      ],
      says: ['images.1.file: homelab.efi is the file of a already: give it another one'],
    },
    {
      what: 'a file that a release gives its name to',
      images: [
        { name: 'a', file: 'talos-{version}.efi' },
        { name: 'b', architecture: 'arm64', file: 'talos-v1.13.9.efi' },
      ],
      says: ['images.1.file: talos-v1.13.9.efi is the file of a already: give it another one'],
    },
    {
      what: 'files that two releases give one name to',
      images: [
        { name: 'a', file: 'talos-{version}.efi' },
        { name: 'b', architecture: 'arm64', file: 'talos-{version}-beta.1.efi' },
        { name: 'c', file: 'boot-{version}' },
        { name: 'd', architecture: 'arm64', file: 'boot-{version}1' },
      ],
      says: [
        'images.1.file: talos-{version}-beta.1.efi is the file of a already: give it another one',
        'images.3.file: boot-{version}1 is the file of c already: give it another one',
      ],
    },
    {
      what: 'a node that is not there',
      images: [{ name: 'a', nodes: ['cp-2'] }],
      says: ['images.0.nodes: there is no node cp-2; did you mean cp-1?'],
    },
    {
      what: 'a node that boots two',
      images: [
        { name: 'a', nodes: ['cp-1'] },
        { name: 'b', file: 'b.efi', nodes: ['cp-1'] },
      ],
      says: ['images.1.nodes: cp-1 boots a already'],
    },
    {
      what: 'a kernel for SecureBoot',
      images: [{ name: 'a', kind: 'kernel', secureBoot: true }],
      says: [
        'images.0.kind: machines with SecureBoot boot a UKI or an ISO: iPXE starts kernels that nobody has signed',
      ],
    },
    {
      what: 'names that differ in nothing but case, which many shares take for one',
      images: [
        { name: 'a', file: 'Boot-{version}.efi' },
        { name: 'b', file: 'boot-v1.14.1.EFI' },
        { name: 'c', file: 'TALOS' },
        { name: 'd', file: 'boot.JSON' },
      ],
      says: [
        'images.1.file: boot-v1.14.1.EFI is the file of a already: give it another one',
        'images.2.file: talos is the folder of the releases: give it another name',
        'images.3.file: files that end in .json are ours: give it another name',
      ],
    },
    {
      what: 'one for nodes without a disk that names two, or none',
      images: [
        { name: 'a', diskless: true, nodes: ['w-1', 'cp-1'] },
        { name: 'b', diskless: true },
      ],
      says: [0, 1].map(
        (index) =>
          `images.${index}.nodes: a diskless image belongs to one node, as nodes are upgraded one by one: name it in \`nodes\``,
      ),
    },
    {
      what: 'a control plane without a disk',
      images: [{ name: 'a', diskless: true, nodes: ['cp-1'] }],
      says: ['images.0.diskless: a control plane keeps etcd on its disk: only workers can be diskless'],
    },
    {
      what: 'a node without a disk that boots an ISO, or another file with each release',
      images: [
        { name: 'a', diskless: true, kind: 'iso', nodes: ['w-1'] },
        { name: 'b', diskless: true, file: 'b-{version}.efi', nodes: ['w-1'] },
      ],
      says: [
        'images.0.kind: a medium is never replaced by a newer one: a node without a disk boots a UKI, or a kernel by iPXE',
        'images.1.file: a node without a disk boots the same name each time: leave {version} out',
      ],
    },
    {
      what: 'a file that leads elsewhere',
      images: [{ name: 'a', file: '../boot.efi' }],
      says: ['images.0.file: use a plain file name, which may hold {schematic}, {arch}, {version}'],
    },
    {
      what: 'a placeholder that there is not',
      images: [{ name: 'a', file: 'boot-{release}.efi' }],
      says: ['images.0.file: use a plain file name, which may hold {schematic}, {arch}, {version}'],
    },
    {
      what: 'the folder of the releases',
      images: [{ name: 'a', file: 'talos' }],
      says: ['images.0.file: talos is the folder of the releases: give it another name'],
    },
    {
      what: 'the name of a record',
      images: [{ name: 'a', file: 'boot.efi.json' }],
      says: ['images.0.file: files that end in .json are ours: give it another name'],
    },
  ])('is refused with $what', ({ images, says }) => {
    expect(faultsOf(images)).toEqual(says)
  })

  test.each([
    { image: 'talos', says: 'talos is the folder of the releases: give it another name' },
    { image: 'boot.JSON', says: 'files that end in .json are ours: give it another name' },
    { image: '..', says: 'use a plain file name' },
    { image: '.boot.part', says: 'use a plain file name' },
  ])('is refused as $image where there is one alone', ({ image, says }) => {
    expect(faultsOf([], { share: { directory: '/srv/pxe', image } })).toEqual([`share.image: ${says}`])
    expect(faultsOf([{ name: 'mini' }], { share: { directory: '/srv/pxe', image: 'boot.efi' } })).toEqual([])
  })

  test('leaves no node with the image of another schematic', () => {
    expect(mistakesOf([{ name: 'mini', nodes: ['cp-1', 'w-1'] }])).toEqual([
      'error images.0.nodes: w-1 runs the schematic gpu, and would boot one of homelab',
      'warning nodes.1.schematic: no image is of the schematic gpu, which w-1 runs: it finds none of its own on the share',
    ])
    expect(mistakesOf([{ name: 'mini' }, { name: 'gpu', schematic: 'gpu', file: 'gpu.efi', nodes: ['w-1'] }])).toEqual(
      [],
    )
  })
})

test.each(['2B/s', '20 Mbit', '-1MB/s'])('a bandwidth of %s is none', (bandwidth) => {
  expect(faultsOf([], { share: { directory: '/srv', bandwidth } })[0]).toMatch(/^share\.bandwidth: use a rate/)
})
