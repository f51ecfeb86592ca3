! Check that strings, internal files, formats and procedure pointers of Fortran give the same in every tier.
module texts
  implicit none
  abstract interface
    function change(text) result(changed)
      character(*), intent(in) :: text
      character(:), allocatable :: changed
    end function
  end interface
contains
  function upper(text) result(changed)
    character(*), intent(in) :: text
    character(:), allocatable :: changed
    integer :: i
    changed = text
    do i = 1, len(text)
      if (text(i:i) >= 'a' .and. text(i:i) <= 'z') changed(i:i) = achar(iachar(text(i:i)) - 32)
    end do
  end function
  recursive function reversed(text) result(changed)
    character(*), intent(in) :: text
    character(:), allocatable :: changed
    if (len(text) < 2) then
      changed = text
    else
      changed = reversed(text(2:)) // text(1:1)
    end if
  end function
  subroutine apply(f, text)
    procedure(change) :: f
    character(*), intent(in) :: text
    print '(a,a,i0)', f(text), ' ', len(f(text))
  end subroutine
end module
program strings
  use texts
  implicit none
  procedure(change), pointer :: chosen
  character(40) :: buffer
  character(:), allocatable :: long
  integer :: i, total, number
  do i = 1, 4
    chosen => upper
    if (mod(i, 2) == 0) chosen => reversed
    write (buffer, '(a,i0,a,f8.3)') 'line ', i, ' of ', 2.5 * i
    call apply(chosen, trim(buffer))
  end do
  long = ''
  do i = 1, 60
    write (buffer, '(i0)') i * i
    long = long // trim(buffer) // ','
  end do
  total = 0
  do while (index(long, ',') > 0)
    read (long(:index(long, ',') - 1), *) number
    total = mod(total * 31 + number, 1000003)
    long = long(index(long, ',') + 1:)
  end do
  print *, total, scan('fortran', 'rt'), verify('aab', 'a'), repeat('ab', 3), adjustr('x   ') // '|'
end program
