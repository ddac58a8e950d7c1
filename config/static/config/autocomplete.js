/* Select2, which Django uses for fields that are searched, names neither the field nor its search box for people who
   do not see the page, and leaves the search box without the focus. This is loaded after Django's own script. */
'use strict';
{
    const $ = django.jQuery;
    $(function() {
        $('select.admin-autocomplete').each(function() {
            const label = document.querySelector(`label[for="${this.id}"]`);
            const shown = document.getElementById(`select2-${this.id}-container`);
            if (!label || !shown) {
                return;
            }
            label.id = label.id || `${this.id}_label`;
            const box = shown.closest('[role="combobox"]');
            box.setAttribute('aria-labelledby', `${label.id} ${shown.id}`);
            box.setAttribute('aria-controls', `select2-${this.id}-results`);
            // A text in a box, and no field of its own.
            shown.removeAttribute('role');
            shown.removeAttribute('aria-readonly');
            $(this).on('select2:open', function() {
                const field = document.querySelector('.select2-container--open .select2-search__field');
                field.setAttribute('aria-label', `${label.textContent.replace(':', '').trim()}: part of the name`);
                field.focus();
            });
        });
    });
}
