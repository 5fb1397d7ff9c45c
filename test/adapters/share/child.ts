import { createFactory } from '../../../src/adapters/factory/factory.ts'
import { createShare } from '../../../src/adapters/share/share.ts'
import { orderOf, stageOn } from './lab.ts'

/** Stages a release in a process of its own, which a test can kill: `share-child.ts URL DIRECTORY VERSION`. */
const [, , url = '', directory = '', version = ''] = process.argv
const share = createShare({ directory })
await stageOn({ share, factory: createFactory(url) }, orderOf(version), { signal: new AbortController().signal })
