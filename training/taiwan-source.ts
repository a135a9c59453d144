/** What must be said of the demo's data wherever a model of them is shown. */
import type { DataSource } from './model-card.ts'

export const TAIWAN_SOURCE: DataSource = {
  name: 'Default of Credit Card Clients, UCI data set 350: 30,000 card clients of a bank in Taiwan, April to September 2005 (I-C. Yeh, 2016)',
  licence: 'CC BY 4.0',
  purpose: 'Probability that a card client defaults in the next month, for reviewing a request to raise the line of an existing account.',
  notes: [
    'Statements, payments, repayment status and the outcome are as published. Days, and the shift of each client’s calendar over twelve months, are synthetic.',
    'The requested amount is a hashed share of the present limit: the data hold no applications.',
  ],
  limits: [
    'Taiwan, 2005, one lender in a credit-card crisis: other places, years and products need a model of their own.',
    'The target is default in the next month on an existing account, not over the life of a new loan.',
    'Stated income, term and earlier applications are absent from the data, so the model has learned nothing from them; features of days carry only the synthetic calendar.',
  ],
}

/** Where the demo's applications name devices, employers and addresses. */
export const TAIWAN_SOURCE_WITH_LINKS: DataSource = {
  ...TAIWAN_SOURCE,
  notes: [...TAIWAN_SOURCE.notes, 'The device, employer and address that an application names are synthetic: drawn by hash of the client.'],
  limits: [
    ...TAIWAN_SOURCE.limits,
    'Features of devices, employers and addresses carry only chance: a use needs a model trained on real ones.',
  ],
}
