import { App } from 'aws-cdk-lib';
import { ConsumerStack } from './stack.ts';

new ConsumerStack(new App(), 'ModelStudioConsumer');
