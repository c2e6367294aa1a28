"""Messages and results over AMQP 0-9-1, as RabbitMQ speaks it: exchanges, queues and message properties exactly as Celery uses them."""
