import { AggregatorRegistry, type Registry } from 'prom-client'
import { Exemplars, type ExemplarList } from './exemplars.js'
import { durationBuckets, metricPrefix } from './instruments.js'
import { exposition, type Exposition } from './open-metrics.js'
import { otherPartner } from './partner-labels.js'

type Families = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

/** The metrics of one process as values, so that those of several are added up. */
export interface MetricsSnapshot {
  readonly families: Families
  readonly exemplars: ExemplarList
}

type Rule = 'sum' | 'max' | 'min'

/** Gauges that are not told by their highest value; counters and histograms are sums. */
const gaugeRules: Readonly<Record<string, Rule>> = {
  [`${metricPrefix}requests_in_flight`]: 'sum',
  [`${metricPrefix}connections`]: 'sum',
  [`${metricPrefix}upstream_server_requests_in_flight`]: 'sum',
  [`${metricPrefix}judged_body_bytes_held`]: 'sum',
  [`${metricPrefix}judged_body_bytes_limit`]: 'sum',
  [`${metricPrefix}last_reload_successful`]: 'min',
  [`${metricPrefix}audit_healthy`]: 'min',
  // where they differ, the earlier end is the one to look at
  [`${metricPrefix}crl_next_update_timestamp_seconds`]: 'min',
  [`${metricPrefix}server_certificate_not_after_timestamp_seconds`]: 'min',
  [`${metricPrefix}authority_not_after_timestamp_seconds`]: 'min',
  [`${metricPrefix}upstream_certificate_not_after_timestamp_seconds`]: 'min',
  process_start_time_seconds: 'min',
  process_max_fds: 'max',
  // each has a bound of its own: the fullest one is the one to look at
  process_open_fds: 'max',
  // prom-client takes the average, in which one blocked event loop is lost
  nodejs_eventloop_lag_seconds: 'max',
  nodejs_eventloop_lag_max_seconds: 'max',
  nodejs_eventloop_lag_p50_seconds: 'max',
  nodejs_eventloop_lag_p90_seconds: 'max',
  nodejs_eventloop_lag_p99_seconds: 'max',
}

/**
 * One scrape of several processes.
 *
 * prom-client's own aggregation asks the processes, and fails as a whole where one does not answer; here
 * whoever asked hands over what is known.
 */
export function exposeTogether(snapshots: readonly MetricsSnapshot[], accept = ''): Promise<Exposition> {
  const exemplars = new Exemplars(`${metricPrefix}request_duration_seconds`, durationBuckets)
  for (const snapshot of snapshots) exemplars.take(snapshot.exemplars)
  return added(snapshots.map(({ families }) => families))
    .metrics()
    .then((text) => exposition(text, accept, (series) => exemplars.textOf(series)))
}

function added(families: readonly Families[]): Registry {
  return AggregatorRegistry.aggregate(
    families.map((each) => each.map((family) => ({ ...family, aggregator: ruleOf(family) }))),
  )
}

function ruleOf({ name, type, aggregator }: Families[number]): Families[number]['aggregator'] {
  const rule = gaugeRules[name]
  if (rule !== undefined) return rule
  // a type is a text here, whatever the types of the package say
  if (String(type) !== 'gauge') return 'sum'
  return name.startsWith(metricPrefix) ? 'max' : aggregator
}

/** What processes that are gone had counted: a sum never falls because one of its parts is gone. */
export class CountsOfTheGone {
  private families: Families = []

  /** Keeps its counters and histograms; what a gauge told ended with the process. */
  take({ families }: MetricsSnapshot): void {
    const counts = families.filter(({ type }) => String(type) !== 'gauge')
    const known = new Map(this.families.map((family) => [family.name, family]))
    for (const family of counts) known.set(family.name, summed(known.get(family.name), family))
    this.families = [...known.values()]
  }

  /** Forgets the series of partners that are listed no more, as each process does. */
  keep(isPartner: (environment: string, partner: string) => boolean): void {
    this.families = this.families.map((family) => {
      const values = family.values.filter(({ labels: { environment = '', partner } }) => {
        if (partner === undefined || partner === otherPartner) return true
        return isPartner(String(environment), String(partner))
      })
      return { ...family, values }
    })
  }

  snapshot(): MetricsSnapshot {
    return { families: this.families, exemplars: [] }
  }
}

function summed(before: Families[number] | undefined, family: Families[number]): Families[number] {
  const series = new Map<string, Families[number]['values'][number]>()
  for (const value of [...(before?.values ?? []), ...family.values]) {
    const key = JSON.stringify([
      'metricName' in value ? value.metricName : '',
      Object.entries(value.labels).sort(([one], [other]) => (one < other ? -1 : 1)),
    ])
    series.set(key, { ...value, value: value.value + (series.get(key)?.value ?? 0) })
  }
  return { ...family, values: [...series.values()] }
}
