// A Vendure shop for the live tests: `node shop.js fill FILE.csv` makes tables, settings and products, `node shop.js serve`
// serves. Where its database is and whom it tells of orders the environment says.
const crypto = require('crypto');
const {
  bootstrap, DefaultLogger, dummyPaymentHandler, EventBus, JobQueueService, LogLevel, OrderPlacedEvent,
  OrderStateTransitionEvent, PluginCommonModule, VendurePlugin,
} = require('@vendure/core');

const env = process.env;

async function tell(type, order) {
  const body = JSON.stringify({ type, code: order.code, id: order.id, state: order.state });
  const signature = crypto.createHmac('sha256', env.HOOK_SECRET).update(body).digest('hex');
  const headers = { 'content-type': 'application/json', 'x-oms-signature': signature };
  await fetch(env.HOOK, { method: 'POST', headers, body }).catch((error) => console.log('not told:', error.message));
}

class Hooks {
  constructor(bus) {
    bus.ofType(OrderPlacedEvent).subscribe((event) => tell('order.placed', event.order));
    bus.ofType(OrderStateTransitionEvent).subscribe((event) => {
      if (event.toState === 'Cancelled') tell('order.cancelled', event.order);
    });
  }
}
Reflect.defineMetadata('design:paramtypes', [EventBus], Hooks);
const HookPlugin = VendurePlugin({ imports: [PluginCommonModule], compatibility: '^3.0.0' })(Hooks) || Hooks;

const filling = process.argv[2] === 'fill';
const config = {
  apiOptions: { port: Number(env.PORT), hostname: '127.0.0.1', adminApiPath: 'admin-api', shopApiPath: 'shop-api' },
  authOptions: {
    tokenMethod: ['bearer'],
    superadminCredentials: { identifier: 'admin', password: env.ADMIN_PASSWORD },
    requireVerification: false,
  },
  dbConnectionOptions: {
    type: 'postgres', host: env.DB_HOST, port: Number(env.DB_PORT), username: env.DB_USER, password: env.DB_PASSWORD,
    database: env.DB_NAME, synchronize: filling, logging: false, poolSize: 10,
  },
  paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
  logger: new DefaultLogger({ level: LogLevel.Warn }),
  plugins: env.HOOK && !filling ? [HookPlugin] : [],
};

const settings = {
  defaultLanguage: 'en',
  defaultZone: 'Americas',
  countries: [{ name: 'United States', code: 'US', zone: 'Americas' }],
  taxRates: [{ name: 'Standard Tax', percentage: 20 }],
  shippingMethods: [{ name: 'Standard Shipping', price: 500 }],
  paymentMethods: [{
    name: 'Standard Payment',
    handler: { code: 'dummy-payment-handler', arguments: [{ name: 'automaticSettle', value: 'true' }] },
  }],
  collections: [],
  roles: [],
};

async function start() {
  const app = await bootstrap(config);
  await app.get(JobQueueService).start();
  return app;
}

async function main() {
  if (!filling) return start();
  const { populate } = require('@vendure/core/cli');
  const app = await populate(start, settings, process.argv[3]);
  await app.close();
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
