import { imagesOf } from '../core/release/image.ts'
import type { Config } from './config.ts'
import { doubtful, type Mistake, wrong } from './mistake.ts'

/** What would leave a machine with an image that is not its own. */
export function findImageMistakes(config: Config): readonly Mistake[] {
  const { nodes, schematic } = config
  const images = imagesOf(config)
  const found: Mistake[] = []
  if (config.images.length === 0) return found
  for (const [index, image] of images.entries())
    for (const name of image.nodes) {
      const node = nodes.find((one) => one.name === name)
      const own = node?.schematic ?? schematic
      if (node && own !== image.schematic)
        found.push(
          wrong(
            ['images', index, 'nodes'],
            `${name} runs the schematic ${own}, and would boot one of ${image.schematic}`,
          ),
        )
    }
  for (const [index, node] of nodes.entries()) {
    const own = node.schematic ?? schematic
    if (!images.some((image) => image.schematic === own))
      found.push(
        doubtful(
          node.schematic === undefined ? ['schematic'] : ['nodes', index, 'schematic'],
          `no image is of the schematic ${own}, which ${node.name} runs: it finds none of its own on the share`,
        ),
      )
  }
  return found
}
