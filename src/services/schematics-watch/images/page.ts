import { html } from 'hono/html'
import type { StagedImage } from '../../../core/release/image.ts'
import { ago } from '../../../http/markup/moments.ts'
import { badge, card, type Markup, pageTitle } from '../../../http/markup/parts.ts'
import { requestButtons } from '../../../http/markup/requests.ts'
import { table } from '../../../http/markup/table.ts'
import { definePage, type PageRequest, type Viewing } from '../../../operations/pages.ts'

/** What the page about images shows. */
export interface ImagesData {
  readonly images: readonly StagedImage[]
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
  async read({ operator, config }) {
    const { directory, image } = config().share
    return { images: await operator.staging.staged(), directory, image }
  },
  view: imagesView,
  requests: { stage },
})

export function imagesView({ images, directory, image }: ImagesData, viewing: Viewing): Markup {
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
          cell: ({ schematic }) => html`<span class="mono" title="${schematic}">${schematic.slice(0, 12)}</span>`,
        },
        {
          title: 'SHA-256',
          isSpare: true,
          cell: ({ sha256 }) => html`<span class="mono" title="${sha256}">${sha256.slice(0, 12)}</span>`,
        },
      ],
      images,
      'Nothing is staged yet: the first image comes with the first look at releases.',
    ),
    { isWide: true },
  )}`
}
