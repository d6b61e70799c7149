import { gateway } from '../subjects/gateway.js'
import { haproxy } from '../subjects/haproxy.js'
import { nginx } from '../subjects/nginx.js'
import type { Subject } from '../subjects/subject.js'
import { steadyWorkloads } from './steady.js'
import type { Workload } from './workload.js'

const [smallGet] = steadyWorkloads

/** The small GET with a list of 100 entries, and with one of 100,000, in turns. */
export const listSizeWorkloads: readonly Workload[] =
  smallGet === undefined
    ? []
    : [
        {
          ...smallGet,
          name: 'list-size',
          title: 'small GET, a list of 100 and of 100,000 entries',
          subjects: [gateway, nginx, haproxy].flatMap((subject) => [
            sized(subject, 100),
            sized(subject, 100_000),
          ]),
        },
      ]

function sized(subject: Subject, entries: number): Subject {
  return { ...subject, name: `${subject.name}, ${entries}`, entries }
}
