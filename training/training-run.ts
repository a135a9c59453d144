/** What a fit cost: measured, so it stays outside the reproducible bundle. */

export interface TrainingRun {
  readonly cpuSeconds: number
  readonly wallSeconds: number
  /** cpuSeconds × {@link WATTS_PER_BUSY_CORE}; an estimate, not a reading. */
  readonly energyWattHours: number
  readonly wattsPerBusyCore: number
}

/** A server core under load with its share of memory and power supply; published server figures lie between 5 and 15 W. */
const WATTS_PER_BUSY_CORE = 10
const MICROSECONDS = 1e-6
const SECONDS_PER_HOUR = 3600

const toTenth = (value: number): number => Math.round(value * 10) / 10

/** Starts measuring; the returned function ends it. */
export const measureRun = (): (() => TrainingRun) => {
  const [cpu, wall] = [process.cpuUsage(), performance.now()]
  return () => {
    const { user, system } = process.cpuUsage(cpu)
    const cpuSeconds = (user + system) * MICROSECONDS
    return {
      cpuSeconds: toTenth(cpuSeconds),
      wallSeconds: toTenth((performance.now() - wall) / 1000),
      energyWattHours: toTenth((cpuSeconds * WATTS_PER_BUSY_CORE) / SECONDS_PER_HOUR),
      wattsPerBusyCore: WATTS_PER_BUSY_CORE,
    }
  }
}
