/** Which device, employer or address an application names. */
import type { ApplicationEvent } from '#schemas/events.ts'
import type { LinkedEntity } from '../language/kinds.ts'

/** The application's field that names the entity. */
export const LINK_FIELDS = { device: 'deviceId', employer: 'employerId', address: 'addressId' } as const satisfies Record<
  LinkedEntity,
  keyof ApplicationEvent
>

export const linkId = (application: ApplicationEvent, entity: LinkedEntity): string | undefined => application[LINK_FIELDS[entity]]
