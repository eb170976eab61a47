from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0019_standing_in_line'),
    ]

    operations = [
        migrations.AddField(
            model_name='listing',
            name='gone_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
