import { bodyTargets } from './targets-bodies.js'
import { chunkedTargets } from './targets-chunked.js'
import { configTargets } from './targets-config.js'
import { nameTargets } from './targets-names.js'
import { requestTargets } from './targets-requests.js'
import { responseTargets } from './targets-responses.js'
import { x509Targets } from './targets-x509.js'
import type { FuzzTarget } from './target.js'

/** Everything that reads what strangers send. */
export const targets: readonly FuzzTarget[] = [
  ...bodyTargets,
  ...nameTargets,
  ...x509Targets,
  ...configTargets,
  ...requestTargets,
  ...responseTargets,
  ...chunkedTargets,
]
