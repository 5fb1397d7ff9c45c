import { html } from 'hono/html'
import { definePage } from '../../../../src/operations/pages.ts'

/** A page of no use. */
export default definePage<{ readonly beats: string; readonly homelab: string }>({
  read: ({ query, config }) => ({ beats: query.get('beats') ?? '0', homelab: config().cluster.name }),
  view: ({ beats, homelab }) => html`<h1>${beats} beats of ${homelab}</h1>`,
})
