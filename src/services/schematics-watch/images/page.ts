import { html } from 'hono/html'
import { counted } from '../../../core/count.ts'
import { describeVariant, type StagedImage } from '../../../core/release/image.ts'
import type { UkiSection } from '../../../core/release/uki.ts'
import { copyable } from '../../../http/markup/copyable.ts'
import { ago } from '../../../http/markup/moments.ts'
import { badge, card, type Markup, pageTitle } from '../../../http/markup/parts.ts'
import { requestButtons } from '../../../http/markup/requests.ts'
import { table } from '../../../http/markup/table.ts'
import { definePage, type PageRequest, type Viewing } from '../../../operations/pages.ts'

/** What the page about images shows. */
export interface ImagesData {
  readonly images: readonly StagedImage[]
  /** What they are made of, by their paths. */
  readonly sections: ReadonlyMap<string, readonly UkiSection[]>
  readonly directory: string
  readonly image: string
}

const stage: PageRequest = {
  title: 'Stage an image?',
  label: 'Stage it',
  scope: 'operate',
  fields: [{ kind: 'given', name: 'version' }],
  preview: ({ version }) => [
    `The image of ${version ?? 'the target release'} is fetched from the Image Factory, checked, and put on the share`,
    'What machines boot is published when it is their turn, and no node is touched',
  ],
  perform: async ({ version }, { operator }, asked) =>
    (await operator.staging.stage({ version, wait: false }, asked)).detail,
}

export default definePage<ImagesData>({
  async read({ operator: { staging }, config, signal }) {
    const { directory, image } = config().share
    const [images, sections] = await Promise.all([staging.staged(), staging.sections(signal)])
    return { images, sections, directory, image }
  },
  view: imagesView,
  requests: { stage },
})

export function imagesView({ images, sections, directory, image }: ImagesData, viewing: Viewing): Markup {
  return html`${pageTitle(
    'Images',
    html`What lies on the share, <code>${directory}</code>. Machines boot <code>${image}</code>.`,
  )}
  ${requestButtons([{ at: '/images/do/stage', label: 'Stage the target release' }], viewing)}
  ${card(
    'Staged',
    table(
      'Staged images',
      [
        { title: 'release', cell: ({ version }) => html`<span class="mono">${version}</span>` },
        {
          title: 'state',
          cell: ({ published }) => (published ? badge('fine', 'served to machines') : badge('quiet', 'kept')),
        },
        { title: 'architecture', cell: ({ architecture }) => architecture },
        { title: 'size', isFigure: true, cell: ({ bytes }) => `${(bytes / 1e6).toFixed(1)} MB` },
        { title: 'staged', cell: ({ stagedAt }) => ago(stagedAt, viewing) },
        {
          title: 'schematic',
          isSpare: true,
          cell: ({ schematic }) => copyable(schematic, { shown: schematic.slice(0, 12), what: 'the schematic' }),
        },
        {
          title: 'SHA-256',
          isSpare: true,
          cell: ({ sha256 }) => copyable(sha256, { shown: sha256.slice(0, 12), what: 'the SHA-256' }),
        },
      ],
      images,
      'Nothing is staged yet: the first image comes with the first look at releases.',
    ),
    { isWide: true },
  )}
  ${images.map((one) => contentsCard(one, sections.get(one.path)))}`
}

/** What a UKI is made of: a bar in proportion says where its size comes from. */
function contentsCard(image: StagedImage, sections: readonly UkiSection[] | undefined): Markup | '' {
  if (sections === undefined) return ''
  const largest = Math.max(1, ...sections.map(({ bytes }) => bytes))
  const { version, published } = image
  return card(
    `${version}, ${describeVariant(image)}`,
    html`<details ${published ? html`open` : ''}>
      <summary>${counted(sections.length, 'section')} of its UKI</summary>
      ${table(
        `Sections of ${version}`,
        [
          { title: 'section', cell: ({ name }) => html`<span class="mono">${name}</span>` },
          { title: 'holds', cell: ({ name }) => held[name] ?? '' },
          { title: 'size', isFigure: true, cell: ({ bytes }) => describeBytes(bytes) },
          {
            title: 'compared',
            isSpare: true,
            cell: ({ bytes }) => shareBar(bytes / largest),
          },
        ],
        sections,
        'It has none.',
      )}
    </details>`,
    { id: `contents-${image.sha256.slice(0, 12)}`, isWide: true, isNamed: true },
  )
}

/** A bar of 0 to 1, for the eye alone: the figure stands beside it. */
function shareBar(share: number): Markup {
  return html`<svg class="lane" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
    <rect class="left" x="0" y="3" height="4" width="100" />
    <rect x="0" y="3" height="4" width="${(100 * share).toFixed(1)}" />
  </svg>`
}

function describeBytes(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}

/** UAPI.5 Unified Kernel Image, "PE sections". */
const held: Readonly<Record<string, string>> = {
  '.text': 'code of systemd-stub',
  '.data': 'data of systemd-stub',
  '.rodata': 'data of systemd-stub',
  '.reloc': 'relocations of systemd-stub',
  '.sdmagic': 'mark of systemd-stub',
  '.linux': 'kernel',
  '.initrd': 'Talos, with its extensions and schematic',
  '.cmdline': 'kernel command line',
  '.osrel': 'release',
  '.uname': 'kernel version',
  '.profile': 'entry of the boot menu',
  '.splash': 'picture at boot',
  '.dtb': 'device tree',
  '.ucode': 'microcode',
  '.sbat': 'revocation level for SecureBoot',
  '.pcrpkey': 'public key for measured boot',
  '.pcrsig': 'signed measurements',
}
